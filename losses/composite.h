#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/response.h"
#include "core/tensor.h"
#include "losses/loss.h"

namespace diffverb {

/// A weighted sum of losses of the family, each with its weight and keys in a map of its own: L = sum_i weight_i L_i.
///
///     type: total
///     entropy: {weight: 0.2, range_db: 40}
///
/// A term of weight 0 is not computed. What is said of one term in an error begins with the sum's name.
///
/// Throws   ConfigError for a negative weight, or where all are 0
class Composite : public Loss {
 public:
  struct Term {
    std::string name;  // its key
    double weight = 1;
    std::unique_ptr<Loss> loss;
  };

  void prepare(const Response& target) override;
  at::Tensor evaluate(const Response& response) const override;
  double value_at_target() const override;

  /// The same as evaluate(); `values` gets each term's own value, and those of terms within it, in the order of names().
  at::Tensor evaluate(const Response& response, std::vector<at::Tensor>& values) const;
  std::vector<std::string> names() const;  // "perceptual", "perceptual.loudness"

 protected:
  explicit Composite(std::string name) : name_(std::move(name)) {}

  /// Reads the map `key`: a weight, and the keys of the loss `type`.
  void add(Fields& fields, const std::string& key, const std::string& type, double weight);
  /// A term made by its caller.
  void add(Term term);
  /// After the last add().
  void check_weights(const Fields& fields) const;

 private:
  bool is_used(const Term& term) const { return term.weight > 0; }

  std::string name_;
  std::vector<Term> terms_;
};

/// A loss's value; of a sum of losses `values` gets those of its terms, in the order of term_names().
at::Tensor evaluate_with_terms(const Loss& loss, const Response& response, std::vector<at::Tensor>& values);
std::vector<std::string> term_names(const Loss& loss);  // none where it is no sum

}  // namespace diffverb
