#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/tensor.h"

namespace diffverb {

/// The numbers of a reverberator that stand in its config and may be learned within their ranges.
///
///   value = start + (max - min) (sigmoid(raw) - sigmoid(raw_0))
///
/// so that a number that nobody learns is exactly the published one, and one that is learned never leaves its range.
class Knobs {
 public:
  enum class Kind { kLearned, kFixed };

  /// Reads a number, or a list of as many numbers as `value` has.
  void add(Fields& fields, const std::string& key, double value, const Range& range, const std::string& unit = "",
           Kind kind = Kind::kLearned);
  void add(Fields& fields, const std::string& key, std::vector<double> values, const Range& range,
           const std::string& unit = "", Kind kind = Kind::kLearned);
  /// Reads `learn`: which of the knobs are learned; without it those of kind kLearned. To be called after the last add.
  void choose(Fields& fields);

  at::Tensor operator[](const std::string& key) const;  // float64, no dimensions or [n]
  at::Tensor at(const std::string& key, std::int64_t index) const { return (*this)[key][index]; }
  double number(const std::string& key) const { return (*this)[key].item<double>(); }
  bool is_learned(const std::string& key) const;
  /// Puts a number at another value within its range, or at the nearest end of it.
  void set(const std::string& key, double value);
  /// The same of a list, as long as it is.
  void set(const std::string& key, const std::vector<double>& values);
  const Range& range(const std::string& key) const;

  std::map<std::string, at::Tensor> parameters() const;

 private:
  struct Knob {
    at::Tensor start;  // the value where raw is raw_0
    Range range;
    bool learned = true;
    at::Tensor raw, share;  // leaf; sigmoid(raw_0)
  };
  void put(const std::string& key, const at::Tensor& value, const Range& range, bool learned);
  static void restart(Knob& knob, const at::Tensor& value);
  const Knob& find(const std::string& key) const;

  std::map<std::string, Knob> knobs_;
};

}  // namespace diffverb
