// Systems whose Volterra kernels are known in closed form, identified from noise and what they make of it: by series in low
// rank, by full kernels, and by a waveshaper behind a convolution. README.md has the question and the result.
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_lstsq.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>

#include "core/error.h"
#include "experiments/volterra/known_system.h"
#include "models/frame_network.h"
#include "models/response_model.h"
#include "models/volterra_identification.h"

namespace diffverb {
namespace {

struct Options {
  std::int64_t taps = 8;  // of the filters before and behind
  std::int64_t samples = 4000;
  std::uint64_t seed = 1;
};

/// What was found: h1 [M], h2 [M, M], h3 [M, M, M] where there are such, how many numbers they took, and what it plays.
struct Found {
  std::vector<at::Tensor> kernels;
  std::int64_t numbers = 0;
  std::function<at::Tensor(const at::Tensor& input)> play;
};

/// x(n - k): [T, count].
at::Tensor delayed(const at::Tensor& x, std::int64_t count) {
  return frame_signal(with_history(x[0], count), count).flip({1}).contiguous();
}

at::Tensor least_squares(const at::Tensor& columns, const at::Tensor& y) {
  return std::get<0>(at::linalg_lstsq(columns, y.reshape({-1, 1}))).squeeze(1);
}

Found low_rank(const Options& options, const at::Tensor& x, const at::Tensor& y, bool has_after, int rank) {
  // At 8 kHz a millisecond is 8 samples.
  const auto ms = [](std::int64_t taps) { return std::to_string(static_cast<double>(taps) / 8); };
  const std::int64_t both = 2 * options.taps - 1, factor = has_after ? options.taps : both;
  Fields fields = Fields::from_text("{sample_rate_hz: 8000, first_ms: " + ms(both) + ", second_ms: " + ms(factor) +
                                    ", third_ms: " + ms(factor) + ", second_rank: " + std::to_string(rank) +
                                    ", third_rank: " + std::to_string(rank) +
                                    (has_after ? ", after_ms: " + ms(options.taps) : "") + "}");
  auto model = std::make_shared<Volterra>(fields);
  identify(*model, x, y, {.seed = options.seed});
  Found found;
  found.kernels = {model->kernel("first")[0][0].detach(), full_kernel(*model, "second"), full_kernel(*model, "third")};
  for (const auto& [name, leaf] : model->parameters()) found.numbers += leaf.numel();
  found.play = [model](const at::Tensor& input) { return model->play(input.unsqueeze(0))[0]; };
  return found;
}

/// All of h1 and h2 by one least squares.
Found full_second_order(const Options& options, const at::Tensor& x, const at::Tensor& y) {
  const std::int64_t length = 2 * options.taps - 1;
  const auto columns = [length](const at::Tensor& input) {
    const auto past = delayed(input, length);
    std::vector<at::Tensor> all{past};
    for (std::int64_t k = 0; k < length; ++k) all.push_back(past.slice(1, k) * past.slice(1, k, k + 1));
    return at::cat(all, 1);
  };
  const auto solution = least_squares(columns(x), y);
  auto h2 = at::zeros({length, length}, at::kDouble);
  for (std::int64_t k = 0, at = length; k < length; at += length - k, ++k) {
    const auto row = solution.slice(0, at, at + length - k) / 2;
    h2[k].slice(0, k) += row;
    h2.select(1, k).slice(0, k) += row;
  }
  Found found;
  found.kernels = {solution.slice(0, 0, length), h2};
  found.numbers = solution.numel();
  found.play = [=](const at::Tensor& input) { return columns(input).mv(solution).unsqueeze(0); };
  return found;
}

/// The linear response by least squares, and a polynomial without memory behind it.
Found waveshaper(const Options& options, const at::Tensor& x, const at::Tensor& y) {
  const auto response = least_squares(delayed(x, 2 * options.taps - 1), y);
  const auto columns = [response](const at::Tensor& input) {
    const auto s = convolve(response.reshape({1, 1, -1}), input)[0];
    return at::stack({s, s.square(), s.pow(3)}, 1);
  };
  const auto shape = least_squares(columns(x), y);
  const auto square = response.unsqueeze(1) * response;
  Found found;
  found.kernels = {shape[0] * response, shape[1] * square, shape[2] * square.unsqueeze(2) * response};
  found.numbers = response.numel() + 3;
  found.play = [=](const at::Tensor& input) { return columns(input).mv(shape).unsqueeze(0); };
  return found;
}

std::vector<double> decaying_filter(std::int64_t taps, Random& random) {
  std::vector<double> h;
  double energy = 0;
  for (std::int64_t k = 0; k < taps; ++k) {
    h.push_back(random.normal() * std::exp(-3 * static_cast<double>(k) / static_cast<double>(taps)));
    energy += h.back() * h.back();
  }
  for (double& value : h) value /= std::sqrt(energy);
  return h;
}

/// An error in dB; of a kernel that is zero its energy over that of the first order, in brackets.
std::string cell(const at::Tensor& found, const at::Tensor& expected, const at::Tensor& first) {
  char text[32];
  if (expected.count_nonzero().item<std::int64_t>() > 0) {
    std::snprintf(text, sizeof text, "%.1f", error_db(found, expected));
  } else {
    const double share = found.square().sum().item<double>() / first.square().sum().item<double>();
    std::snprintf(text, sizeof text, "(%.1f)", 10 * std::log10(share + 1e-40));
  }
  return text;
}

void print_row(const Options& options, const std::string& system_name, const KnownSystem& system,
               const std::optional<double>& snr_db, const std::string& model,
               const std::function<Found(const at::Tensor&, const at::Tensor&)>& find) {
  const auto x = white_noise(options.samples, options.seed);
  auto y = system.play(x);
  if (snr_db)
    y = y + white_noise(options.samples, options.seed + 1) * (y.square().mean().sqrt() * std::pow(10, -*snr_db / 20));
  const Found found = find(x, y);
  const auto unheard = white_noise(options.samples, options.seed + 2);
  std::string kernels;
  const std::int64_t length = 2 * options.taps - 1;
  for (int order = 1; order <= 3; ++order) {
    const auto expected = system.kernel(order, length);
    const bool is_there = static_cast<std::size_t>(order) <= found.kernels.size();
    kernels +=
        " | " + (is_there ? cell(found.kernels[static_cast<std::size_t>(order) - 1], expected, system.kernel(1, length))
                          : std::string("—"));
  }
  std::printf("| %s | %s | %s | %lld | %.1f%s |\n", system_name.c_str(),
              snr_db ? std::to_string(std::lround(*snr_db)).c_str() : "none", model.c_str(),
              static_cast<long long>(found.numbers), error_db(found.play(unheard), system.play(unheard)),
              kernels.c_str());
  std::fflush(stdout);
}

void print_table(const Options& options) {
  const at::NoGradGuard no_grad;
  Random random(options.seed, "systems");
  const auto before = decaying_filter(options.taps, random), after = decaying_filter(options.taps, random);
  const std::vector<std::pair<std::string, KnownSystem>> systems = {{"linear", {before, {1}, 0, 0}},
                                                                    {"Wiener", {before, {1}}},
                                                                    {"Hammerstein", {{1}, after}},
                                                                    {"Wiener-Hammerstein", {before, after}}};
  std::printf("| system | SNR dB | model | numbers | NMSE dB | h1 dB | h2 dB | h3 dB |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (const auto& [name, system] : systems) {
    for (const std::optional<double>& snr_db : {std::optional<double>(), std::optional<double>(40)}) {
      const auto row = [&](const std::string& model, const auto& find) {
        print_row(options, name, system, snr_db, model, find);
      };
      row("low rank, filtered: rank 1", [&](const auto& x, const auto& y) { return low_rank(options, x, y, true, 1); });
      for (const int rank : {1, 4})
        row("low rank: rank " + std::to_string(rank),
            [&](const auto& x, const auto& y) { return low_rank(options, x, y, false, rank); });
      row("full second order", [&](const auto& x, const auto& y) { return full_second_order(options, x, y); });
      row("convolution, waveshaper", [&](const auto& x, const auto& y) { return waveshaper(options, x, y); });
    }
  }
}

}  // namespace
}  // namespace diffverb

int main(int argc, char** argv) {
  diffverb::Options options;
  CLI::App app("Identifies systems whose Volterra kernels are known in closed form");
  app.add_option("--taps", options.taps, "of the filters before and behind the nonlinearity")->check(CLI::Range(1, 64));
  app.add_option("--samples", options.samples, "of noise that they are identified from")
      ->check(CLI::Range(500, 1000000));
  app.add_option("--seed", options.seed);
  CLI11_PARSE(app, argc, argv);
  try {
    diffverb::print_table(options);
  } catch (const diffverb::Error& error) {
    std::cerr << "volterra_identification: " << error.what() << "\n";
    return error.exit_code();
  }
  return 0;
}
