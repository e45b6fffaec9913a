#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/terms/term.h"

namespace diffverb::runtime {

/// Products of filtered signals, filtered once more: a Volterra kernel of order P in low rank.
///
///     y_o(n) += sum_g (after_og * p_og)(n),   p_og = sum_r prod_{j < P} sum_i factors_ogrji * u_i
///
/// without `after` (0 samples) the groups are summed as they are. In a file: factors F32 [O, G, R, P, I, L], after F32
/// [O, G, A]. Factors, products and sums of products are kept within 1e9.
struct ProductTerm final : Term {
  static constexpr const char* kKind = "product";
  static std::vector<const char*> tensor_names() { return {"factors", "after"}; }

  int groups = 0, rank = 0, order = 0, samples = 0, after_samples = 0;  // G, R, P, L, A
  std::vector<float> factors, after;

  const char* kind() const override { return kKind; }
  std::string read(const Container& file, const std::string& name, int outputs, int inputs);
  std::string check(const TermShape& shape, const std::string& name) const override;
  int memory_samples() const override { return samples + (after_samples > 0 ? after_samples - 1 : 0); }
  void add_tensors(const TermShape& shape, const std::string& name, Tensors& to) const override;
  void add_reference(const TermShape& shape, const Signals& input, Signals& output) const override;
  std::shared_ptr<const Term> at_rate(const TermShape& shape, double to_hz) const override;
  std::unique_ptr<TermPlayer> make_player(const TermShape& shape) const override;
};

}  // namespace diffverb::runtime
