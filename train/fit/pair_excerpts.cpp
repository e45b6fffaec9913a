#include "train/fit/pair_excerpts.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/printed.h"
#include "core/seed.h"

namespace diffverb {
namespace {

constexpr double kFaintest = 1e-5;  // of a channel's mean power
constexpr int kMostDraws = 50;

}  // namespace

PairExcerpts::PairExcerpts(const at::Tensor& dry, const at::Tensor& wet, double sample_rate_hz, const Shape& shape)
    : dry_(dry.to(at::kFloat).contiguous()),
      wet_(wet.to(at::kFloat).contiguous()),
      rate_hz_(sample_rate_hz),
      shape_(shape) {
  const auto from_zero = [&](const at::Tensor& sums) {
    return at::cat({at::zeros({wet.size(0), 1}, at::kDouble), sums}, 1).contiguous();
  };
  energy_ = from_zero(wet.to(at::kDouble).square().cumsum(1));
  sum_ = from_zero(wet.to(at::kDouble).cumsum(1));
  training_ = audible_places(0, shape_.held_back);
  validation_ = audible_places(shape_.held_back, wet_.size(1));
  const auto refuse = [&](const char* part, std::int64_t length) {
    throw DataError(std::string("the pair's ") + part + " of " +
                    printed("%.2f", static_cast<double>(length) / rate_hz_) + " s has no excerpt of " +
                    printed("%.2f", static_cast<double>(shape_.samples) / rate_hz_) +
                    " s with sound in all channels; give a longer pair, pair.excerpt_s or pair.held_back");
  };
  if (training_.empty()) refuse("part to train on", shape_.held_back);
  if (validation_.empty()) refuse("held-back part", wet_.size(1) - shape_.held_back);
}

bool PairExcerpts::is_audible(std::int64_t start) const {
  const std::int64_t whole = wet_.size(1);
  const double least = kFaintest * static_cast<double>(shape_.samples) / static_cast<double>(whole);
  const std::int64_t end = start + shape_.samples;
  const auto energy = energy_.accessor<double, 2>(), sum = sum_.accessor<double, 2>();
  for (std::int64_t c = 0; c < wet_.size(0); ++c) {
    const double constant = std::pow(sum[c][end] - sum[c][start], 2) / static_cast<double>(shape_.samples);
    if (energy[c][end] - energy[c][start] - constant <= least * energy[c][whole]) return false;
  }
  return true;
}

std::vector<std::int64_t> PairExcerpts::audible_places(std::int64_t from, std::int64_t to) const {
  std::vector<std::int64_t> out;
  for (std::int64_t start = from; start + shape_.samples <= to; start += shape_.samples) {
    if (is_audible(start)) out.push_back(start);
  }
  return out;
}

std::int64_t PairExcerpts::drawn_place(std::int64_t index, std::uint64_t seed) const {
  Random random(seed, "excerpt");
  for (int draw = 0; draw < kMostDraws; ++draw) {
    const std::int64_t start = random.integer(0, shape_.held_back - shape_.samples);
    if (is_audible(start)) return start;
  }
  return training_[static_cast<std::size_t>(index)];
}

std::int64_t PairExcerpts::samples() const {
  return dry_.size(0) * (shape_.run_in + shape_.samples) + wet_.size(0) * shape_.samples;
}

std::int64_t PairExcerpts::size(Split split) const {
  if (split == Split::kTest) return 0;
  return static_cast<std::int64_t>((split == Split::kTrain ? training_ : validation_).size());
}

at::Tensor PairExcerpts::example(Split split, std::int64_t index, std::uint64_t seed) const {
  const auto& places = split == Split::kTrain ? training_ : validation_;
  const std::int64_t start =
      split == Split::kTrain && seed != 0 ? drawn_place(index, seed) : places.at(static_cast<std::size_t>(index));
  auto row = at::zeros({samples()});
  const std::int64_t long_part = shape_.run_in + shape_.samples,
                     missing = std::max<std::int64_t>(0, shape_.run_in - start);
  row.slice(0, 0, dry_.size(0) * long_part)
      .view({dry_.size(0), long_part})
      .slice(1, missing)
      .copy_(dry_.slice(1, start - shape_.run_in + missing, start + shape_.samples));
  row.slice(0, dry_.size(0) * long_part)
      .view({wet_.size(0), shape_.samples})
      .copy_(wet_.slice(1, start, start + shape_.samples));
  return row.unsqueeze(0);
}

PairExcerpts::Parts PairExcerpts::take_apart(const at::Tensor& rows) const {
  const std::int64_t count = rows.size(0), long_part = shape_.run_in + shape_.samples, dry = dry_.size(0) * long_part;
  return {rows.slice(2, 0, dry).reshape({count, dry_.size(0), long_part}),
          rows.slice(2, dry).reshape({count, wet_.size(0), shape_.samples})};
}

std::string PairExcerpts::describe(Split split, std::int64_t index) const {
  if (split == Split::kTrain) return "an excerpt of the pair";
  const double start_s = static_cast<double>(validation_.at(static_cast<std::size_t>(index))) / rate_hz_;
  return "the pair from " + printed("%.2f", start_s) + " s on";
}

}  // namespace diffverb
