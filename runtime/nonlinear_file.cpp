#include "runtime/nonlinear_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "runtime/metadata.h"
#include "runtime/network_check.h"

namespace diffverb::runtime {
namespace {

constexpr std::array<const char*, 5> kNonlinearTensors = {"nonlinear", "nonlinear_square", "nonlinear_out",
                                                          "nonlinear_left", "nonlinear_right"};
constexpr int kMostProducts = 256;

/// One number of the tensor 'nonlinear' and what it may be.
struct Number {
  const char* name;
  double NonlinearLoop::*value;
  double low, high;
};
constexpr std::array<Number, 10> kNumbers = {{{"limit", &NonlinearLoop::limit, 1e-6, 1e6},
                                              {"alpha_min", &NonlinearLoop::alpha_min, -1, 1},
                                              {"alpha_max", &NonlinearLoop::alpha_max, -1, 1},
                                              {"bias", &NonlinearLoop::bias, -100, 100},
                                              {"depth", &NonlinearLoop::depth, -100, 100},
                                              {"rate_hz", &NonlinearLoop::rate_hz, 0, 1000},
                                              {"phase_turns", &NonlinearLoop::phase_turns, -1e6, 1e6},
                                              {"slope", &NonlinearLoop::slope, -100, 100},
                                              {"reference", &NonlinearLoop::reference, 1e-20, 1e6},
                                              {"time_s", &NonlinearLoop::time_s, 1e-6, 1000}}};

std::string check_numbers(const NonlinearLoop& loop) {
  for (const Number& number : kNumbers) {
    const double value = loop.*number.value;
    if (value >= number.low && value <= number.high) continue;  // false for NaN too
    return std::string("tensor 'nonlinear': ") + number.name + " is " + std::to_string(value) + ", expected " +
           number_text(number.low) + " to " + number_text(number.high);
  }
  if (loop.alpha_min <= loop.alpha_max) return {};
  return "tensor 'nonlinear': alpha_min is " + number_text(loop.alpha_min) + ", expected at most alpha_max, " +
         number_text(loop.alpha_max);
}

}  // namespace

bool is_nonlinear_tensor(std::string_view name) {
  return std::find(kNonlinearTensors.begin(), kNonlinearTensors.end(), name) != kNonlinearTensors.end();
}

std::string read_nonlinear(const Container& file, int lines, NonlinearLoop& loop) {
  if (std::none_of(kNonlinearTensors.begin(), kNonlinearTensors.end(),
                   [&](const char* name) { return file.tensors.contains(name); }))
    return {};
  std::vector<double> numbers;
  int count = static_cast<int>(kNumbers.size());
  loop.rank = -1;
  std::string error = take(file, "nonlinear", "F64", {&count}, numbers);
  if (error.empty()) error = take(file, "nonlinear_square", "F32", {&lines}, loop.square);
  if (error.empty()) error = take(file, "nonlinear_out", "F32", {&lines, &loop.rank}, loop.out);
  if (error.empty()) error = take(file, "nonlinear_left", "F32", {&loop.rank, &lines}, loop.left);
  if (error.empty()) error = take(file, "nonlinear_right", "F32", {&loop.rank, &lines}, loop.right);
  if (!error.empty()) return error;
  if (lines == 0) return "tensor 'nonlinear': a network without lines has no loop";
  for (std::size_t i = 0; i < numbers.size(); ++i) loop.*kNumbers[i].value = numbers[i];
  return {};
}

NonlinearArrays::NonlinearArrays(const NonlinearLoop& loop) : loop_(loop) {
  for (const Number& number : kNumbers) numbers_.push_back(loop.*number.value);
}

void NonlinearArrays::add_to(std::map<std::string, Tensor, std::less<>>& tensors, int lines) const {
  if (!loop_.is_there()) return;
  tensors.emplace("nonlinear", view(numbers_, "F64", {static_cast<int>(numbers_.size())}));
  tensors.emplace("nonlinear_square", view(loop_.square, "F32", {lines}));
  tensors.emplace("nonlinear_out", view(loop_.out, "F32", {lines, loop_.rank}));
  tensors.emplace("nonlinear_left", view(loop_.left, "F32", {loop_.rank, lines}));
  tensors.emplace("nonlinear_right", view(loop_.right, "F32", {loop_.rank, lines}));
}

std::string check_nonlinear(const DelayNetworkWeights& w) {
  const NonlinearLoop& loop = w.nonlinear;
  if (loop.rank < 0 || loop.rank > kMostProducts)
    return "tensor 'nonlinear_out': " + std::to_string(loop.rank) + " products, expected 0 to " +
           std::to_string(kMostProducts);
  const auto n = static_cast<std::size_t>(w.lines), ranks = static_cast<std::size_t>(loop.rank);
  const std::size_t lines = loop.is_there() ? n : 0;
  for (const std::string& error :
       {check_values("nonlinear_square", loop.square, lines), check_values("nonlinear_out", loop.out, lines * ranks),
        check_values("nonlinear_left", loop.left, lines * ranks),
        check_values("nonlinear_right", loop.right, lines * ranks), check_numbers(loop)}) {
    if (!error.empty()) return error;
  }
  if (!loop.is_there())
    return loop.rank == 0 ? std::string()
                          : "tensor 'nonlinear_out': products without 'nonlinear_square', expected both";
  if (w.moves())
    return "tensor 'nonlinear': a network that moves has no nonlinear loop, expected one that stands still";
  for (std::size_t j = 0; j < n; ++j) {
    if (w.delays[j] != 0) continue;
    bool takes_part = loop.square[j] != 0;
    for (std::size_t r = 0; r < ranks; ++r)
      takes_part =
          takes_part || loop.out[j * ranks + r] != 0 || loop.left[r * n + j] != 0 || loop.right[r * n + j] != 0;
    if (takes_part)
      return "tensor 'nonlinear_square', 'nonlinear_out', 'nonlinear_left' or 'nonlinear_right': line " +
             std::to_string(j) + " is a filter and takes no part, expected 0";
  }
  return {};
}

}  // namespace diffverb::runtime
