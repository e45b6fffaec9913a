#include "losses/composite.h"

namespace diffverb {
namespace {

/// The sum of the seed document: what is heard, and how information spreads.
///
///   L = perceptual + 0.1 entropy + 0.1 mutual_information + 0.1 decorrelation
///
/// The document maximises entropy and minimises mutual information and correlation without bound; here each is the
/// distance to the target's, so that the target itself has 0. Its own direction is entropy: {towards: most},
/// mutual_information: {towards: least} and decorrelation: {coherence: ears}.
///
/// Reads    response.ir [B, C, T], target.ir of the same shape; what the four losses read
/// Returns  scalar without unit
/// Gradient finite everywhere
/// Throws   what the four throw; ConfigError for negative weights or where all are 0
/// Source   seed document "Artificial reverb": total_loss
class Total final : public Composite {
 public:
  explicit Total(Fields& f) : Composite("total") {
    add(f, "perceptual", "perceptual", 1);
    add(f, "entropy", "entropy", 0.1);
    add(f, "mutual_information", "mutual_information", 0.1);
    add(f, "decorrelation", "decorrelation", 0.1);
    check_weights(f);
  }
};

}  // namespace

DIFFVERB_PART(losses, total, Total, "perceptual + 0.1 entropy + 0.1 mutual_information + 0.1 decorrelation",
              "seed document: total_loss")

}  // namespace diffverb
