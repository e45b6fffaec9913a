#include "train/levels/levels.h"
#include "train/levels/loss_value.h"

namespace diffverb {
namespace {

Figure entropy(const char* key, const acoustics::Character& played, const acoustics::Character& target,
               double (*figure)(const acoustics::Evenness&)) {
  const auto of = [&](const acoustics::Character& c) {
    return c.evenness ? std::optional(figure(*c.evenness)) : std::nullopt;
  };
  Figure out{key, of(played), of(target)};
  if (!out.value) out.why_not = acoustics::kNoLatePart;
  return out;
}

Figure iacc(const char* key, const StereoFigures& stereo, std::optional<double> acoustics::Iacc::*member) {
  const auto of = [&](const std::optional<acoustics::Iacc>& one) { return one ? (*one).*member : std::nullopt; };
  Figure out{key, of(stereo.iacc), of(stereo.target_iacc)};
  if (!out.value) out.why_not = stereo.why_not;
  return out;
}

}  // namespace

Level information_level(const Audio& target, const Audio& played, const acoustics::Character& played_character,
                        const acoustics::Character& target_character, const StereoFigures& stereo) {
  Figure decorrelation{"decorrelation", stereo.decorrelation};
  if (!decorrelation.value) decorrelation.why_not = stereo.why_not;
  return {"information",
          {entropy("entropy_rise_bits", played_character, target_character,
                   [](const acoustics::Evenness& e) { return e.rise_bits(); }),
           entropy("late_entropy_bits", played_character, target_character,
                   [](const acoustics::Evenness& e) { return e.late_bits; }),
           loss_figure("entropy_distance", "{type: entropy}", target, played),
           loss_figure("mutual_information_nats", "{type: mutual_information, towards: least}", target, played, true),
           iacc("iacc_early", stereo, &acoustics::Iacc::early_e3), iacc("iacc_late", stereo, &acoustics::Iacc::late_l3),
           decorrelation},
          ""};
}

}  // namespace diffverb
