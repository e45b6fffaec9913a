#include "runtime/nonlinear_reference.h"

#include <cmath>
#include <numbers>

namespace diffverb::runtime {

ExactTerms::ExactTerms(const DelayNetworkWeights& w)
    : loop_(w.nonlinear), rate_hz_(w.sample_rate_hz), share_(1 - std::exp(-1 / (loop_.time_s * rate_hz_))) {
  for (std::size_t j = 0; j < w.delays.size(); ++j) {
    if (w.delays[j] > 0) lines_.push_back(j);
  }
}

double ExactTerms::next_alpha(const std::vector<double>& s) {
  double power = 0;
  for (const std::size_t j : lines_) power += s[j] * s[j] / static_cast<double>(lines_.size());
  level_ += share_ * (power - level_);
  const double turns = loop_.rate_hz * static_cast<double>(time_++) / rate_hz_ + loop_.phase_turns;
  const double z = loop_.bias + loop_.depth * std::sin(2 * std::numbers::pi * turns) +
                   loop_.slope * std::log1p(level_ / loop_.reference);
  return loop_.alpha_min + (loop_.alpha_max - loop_.alpha_min) / (1 + std::exp(-z));
}

void ExactTerms::step(const std::vector<double>& s, std::vector<double>& w) {
  const double alpha = next_alpha(s);
  const std::size_t n = loop_.square.size(), ranks = static_cast<std::size_t>(loop_.rank);
  for (std::size_t r = 0; r < ranks; ++r) {
    double p = 0, q = 0;
    for (const std::size_t k : lines_) {
      p += static_cast<double>(loop_.left[r * n + k]) * s[k];
      q += static_cast<double>(loop_.right[r * n + k]) * s[k];
    }
    for (const std::size_t j : lines_) w[j] += static_cast<double>(loop_.out[j * ranks + r]) * p * q;
  }
  for (const std::size_t j : lines_) {
    w[j] += alpha * static_cast<double>(loop_.square[j]) * s[j] * s[j];
    w[j] = loop_.limit * std::tanh(w[j] / loop_.limit);
  }
}

}  // namespace diffverb::runtime
