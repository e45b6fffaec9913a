#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/live/response_voice.h"
#include "runtime/live/sources.h"

namespace diffverb::runtime {
namespace {

/// A response bank. Its width is the published plug-in's, made continuous: the left response is that of the point; the
/// right one is the left one at 0, the point's own right one at +-1, and beyond that the right one of a point further along
/// x, by one of the knob's steps for each of the width. Below 0 left and right change sides.
class BankSource final : public Source {
 public:
  BankSource(std::shared_ptr<const ResponseBank> bank, const std::string& name)
      : bank_(std::move(bank)), title_(title_of(bank_->metadata, name)) {}

  const char* kind() const override { return "response bank"; }
  std::string title() const override { return title_; }
  bool has_point() const override { return true; }

  VoiceResult make_voice(const Setting& setting, const GivenUp& given_up) const override {
    return make_guarded([&]() -> VoiceResult {
      const double width = std::abs(setting.width), further = std::max(0.0, width - 1);
      StereoResponse here = at(setting.point);
      if (!here.error.empty()) return {nullptr, here.error};
      if (further > 0) {
        std::array<double, 3> there = setting.point;
        there[0] += there[0] + further <= 9 ? further : -further;
        here.channels[1] = std::move(at(there).channels[1]);
      } else {
        const double angle = std::numbers::pi / 2 * width;
        const auto same = static_cast<float>(std::cos(angle)), other = static_cast<float>(std::sin(angle));
        for (std::size_t n = 0; n < here.channels[1].size(); ++n)
          here.channels[1][n] = same * here.channels[0][n] + other * here.channels[1][n];
      }
      if (setting.width < 0) std::swap(here.channels[0], here.channels[1]);
      return make_varied_voice({std::move(here.channels[0]), std::move(here.channels[1])}, ResponseLayout::kStereo,
                               bank_->sample_rate_hz, setting, given_up);
    });
  }

 private:
  StereoResponse at(const std::array<double, 3>& point) const {
    std::array<double, 3> on_grid{};
    for (std::size_t a = 0; a < 3; ++a)
      on_grid[a] = place(std::clamp(point[a], 0.0, 9.0), 0, bank_->size(static_cast<int>(a)) - 1);
    return response_at(*bank_, on_grid);
  }

  std::shared_ptr<const ResponseBank> bank_;
  std::string title_;
};

}  // namespace

SourceResult make_bank_source(std::shared_ptr<const ResponseBank> bank, const std::string& name) {
  return {std::make_shared<BankSource>(std::move(bank), name), {}};
}

}  // namespace diffverb::runtime
