#include <algorithm>
#include <functional>

#include "losses/composite.h"
#include "losses/time_weighted.h"

namespace diffverb {
namespace {

/// What is heard of a difference: loudness, what masking leaves of it, and decay.
///
///   L = loudness + 0.1 masking + 0.1 decay,   loudness: mel   masking: masked   decay: edr
///
/// Each map takes a weight and the keys of its loss. 1 dB of masking's or decay's distance counts as much as a tenth of
/// the loudness, which is about what 1 dB changes it by.
///
/// With time_s and time_weights loudness and masking become J = sum_t w_t d(P(y(t)), P(target(t))): the weights stand at
/// those times after the response's beginning, and between them both sides share (losses/time_weighted.h). Decay is of
/// the whole response in any case.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; what the three losses read
/// Returns  scalar without unit
/// Gradient finite everywhere
/// Throws   what the three throw; ConfigError for negative weights, where all are 0, or where time_s and time_weights are
///          not equally long and time_s does not ascend
/// Source   seed document "Artificial reverb": perceptual_loss, J(theta) = sum_t w_t d(P(y(t)), P(target(t)))
class Perceptual final : public Composite {
 public:
  explicit Perceptual(Fields& f) : Composite("perceptual") {
    f.optional("time_s", time_s_, at_least(0), "s");
    f.optional("time_weights", time_weights_, at_least(0));
    if (time_s_.size() != time_weights_.size())
      f.fail("time_weights", "expected as many as time_s, " + std::to_string(time_s_.size()));
    if (!std::is_sorted(time_s_.begin(), time_s_.end(), std::less_equal<>()))
      f.fail("time_s", "expected ascending times");
    if (!time_s_.empty() && *std::max_element(time_weights_.begin(), time_weights_.end()) <= 0)
      f.fail("time_weights", "all are 0, expected one above 0");
    add_over_time(f, "loudness", "mel", 1);
    add_over_time(f, "masking", "masked", 0.1);
    add(f, "decay", "edr", 0.1);
    check_weights(f);
  }

 private:
  void add_over_time(Fields& f, const std::string& key, const std::string& type, double weight) {
    if (time_s_.empty()) return add(f, key, type, weight);
    Fields map = f.map(key);
    family<Loss>().make_before_others(type, map);  // reads the loss's keys alone
    const std::string yaml = map.resolved_yaml();
    Term term{key, weight, std::make_unique<TimeWeighted>(type, yaml, time_s_, time_weights_)};
    map.optional("weight", term.weight, at_least(0));
    add(std::move(term));
  }

  std::vector<double> time_s_, time_weights_;
};

}  // namespace

DIFFVERB_PART(losses, perceptual, Perceptual, "Loudness, masking and decay, weighted over time where asked",
              "seed document: perceptual_loss")

}  // namespace diffverb
