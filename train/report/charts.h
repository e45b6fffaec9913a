#pragma once

#include <string>
#include <vector>

#include "core/acoustics/analysis.h"
#include "train/report/chart.h"
#include "train/report/run_data.h"

namespace diffverb::report {

/// What an analysis must hold for the charts: third octaves and decay curves.
acoustics::AnalysisOptions chart_options();

/// T30 where target and fit both have it, else T20: the same of both, so that they can be compared. NaN where it is
/// undefined.
double reverberation_time_s(const acoustics::BandResult& band, const acoustics::BandResult& target,
                            const acoustics::BandResult& fit);

/// Around values from lo to hi: logarithmic, with the factor `margin` to either side, where all are positive and the
/// highest is over `least_ratio` times the lowest; else linear.
Axis value_axis(const std::string& label, double lo, double hi, double least_ratio, double margin);

/// "125 Hz", "1.25 kHz".
std::string band_name(double hz);

/// One chart a band: target and fit decaying from 0 dB at the onset, and where the target meets its noise.
/// `name` is what the second curve is called.
std::vector<Chart> decay_charts(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit,
                                const std::string& name = "fit");

/// Reverberation time and EDT over frequency with 5 % to either side of the target shaded, in octaves and thirds; then
/// clarity with 1 dB.
std::vector<Chart> frequency_charts(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit);

/// Level over frequency with 1 dB to either side of the target shaded, in octaves and in thirds.
std::vector<Chart> level_charts(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit);

/// Echo density over time with the diffuse value of 1 ruled.
Chart echo_density_chart(const acoustics::ChannelResult& target, const acoustics::ChannelResult& fit);

/// Total loss, and its terms where it has several, over the steps; logarithmic where they are all positive.
std::vector<Chart> loss_charts(const LossLog& losses);

/// How two spectrograms are shown.
struct SpectrogramStyle {
  std::string name = "fit";  // of the second
  int rows = 150, columns = 330;
  bool difference = false;  // a third one: the second over the first, smoothed
};

/// Two spectrograms on one scale: 80 dB down from the target's largest value.
std::vector<Chart> spectrogram_charts(const std::vector<float>& target, const std::vector<float>& fit, double rate_hz,
                                      const SpectrogramStyle& style = {});

/// From 0 dB, no difference, to either end of a picture of differences.
inline constexpr double kDifferenceRange_db = 20;

}  // namespace diffverb::report
