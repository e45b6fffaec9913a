#pragma once

#include <array>
#include <cstdint>

namespace diffverb::ui {

struct Ink {
  std::uint8_t red, green, blue;
  float alpha = 1;

  constexpr Ink faded(float share) const { return {red, green, blue, alpha * share}; }
};

namespace ink {

inline constexpr Ink kWindow{26, 29, 34}, kPanel{34, 38, 44}, kPlot{28, 31, 36}, kOutline{52, 58, 66};
inline constexpr Ink kGrid{58, 64, 73}, kTrack{62, 69, 79};
inline constexpr Ink kText{222, 227, 233}, kDim{150, 159, 170}, kFaint{112, 121, 132};
inline constexpr Ink kAccent{94, 184, 178}, kFocus{146, 201, 255}, kWarning{240, 180, 84}, kAlarm{232, 98, 88};
inline constexpr Ink kButton{46, 52, 60}, kButtonHover{56, 63, 73};

/// Octave bands from low to high.
inline constexpr std::array<Ink, 7> kBands = {
    {{222, 104, 96}, {228, 148, 88}, {221, 190, 90}, {150, 190, 100}, {84, 182, 152}, {84, 160, 208}, {144, 134, 214}}};
/// The axes of the latent cube.
inline constexpr std::array<Ink, 3> kAxes = {{{228, 132, 104}, {150, 190, 100}, {104, 164, 222}}};

}  // namespace ink
}  // namespace diffverb::ui
