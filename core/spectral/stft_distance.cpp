#include "core/spectral/stft_distance.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "core/device/device.h"
#include "core/error.h"
#include "core/tensor.h"

namespace diffverb {
namespace {

/// A row's frames are cut into at most this many stretches whatever the number of threads, and added up in order.
constexpr std::int64_t kStretches = 8;
/// What the kernel squares must stay a normal number.
constexpr float kLeastPower = 1e-30f;

/// Where a sample of the padded signal comes from, -1 for silence.
std::int64_t source_of(std::int64_t n, std::int64_t half, std::int64_t samples, Padding padding) {
  const std::int64_t at = n - half;
  if (at >= 0 && at < samples) return at;
  if (padding == Padding::kZero) return -1;
  const std::int64_t mirrored = at < 0 ? -at : 2 * (samples - 1) - at;
  return mirrored >= 0 && mirrored < samples ? mirrored : -1;
}

std::vector<float> pad(const float* row, std::int64_t half, std::int64_t samples, Padding padding) {
  std::vector<float> out(static_cast<std::size_t>(samples + 2 * half));
  std::copy(row, row + samples, out.begin() + half);
  for (std::int64_t i = 0; i < half; ++i) {
    for (const std::int64_t n : {i, samples + 2 * half - 1 - i}) {
      const std::int64_t from = source_of(n, half, samples, padding);
      out[static_cast<std::size_t>(n)] = from < 0 ? 0.0f : row[from];
    }
  }
  return out;
}

/// The adjoint of pad.
void fold(const std::vector<float>& padded, std::int64_t half, std::int64_t samples, Padding padding, float* row) {
  std::copy(padded.begin() + half, padded.begin() + half + samples, row);
  for (std::int64_t i = 0; i < half; ++i) {
    for (const std::int64_t n : {i, samples + 2 * half - 1 - i}) {
      const std::int64_t to = source_of(n, half, samples, padding);
      if (to >= 0) row[to] += padded[static_cast<std::size_t>(n)];
    }
  }
}

}  // namespace

struct StftDistance::Result {
  at::Tensor value, gradient;
};

/// The gradient is made with the value, while the frames are at hand.
class StftDistance::Evaluation : public torch::autograd::Function<StftDistance::Evaluation> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& signal,
                            const StftDistance* distance, double convergence_weight, double log_weight,
                            bool with_gradient) {
    const Result result = distance->evaluate(signal, convergence_weight, log_weight, with_gradient);
    if (result.gradient.defined()) context->save_for_backward({result.gradient});
    return result.value;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    if (at::GradMode::is_enabled())
      throw ContractError("StftDistance: a gradient of the gradient is not supported (create_graph)");
    return {context->get_saved_variables()[0] * gradients[0], at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

bool StftDistance::has_kernel(const at::Tensor& signal, std::int64_t fft_size) {
  return signal.is_cpu() && !on_gpu(signal) && signal.scalar_type() == at::kFloat && fft_size <= 2048 &&
         stft_distance_has_kernel(static_cast<int>(fft_size));
}

StftDistance::StftDistance(const at::Tensor& target, const Frames& frames, double floor_power, const at::Tensor& norm)
    : frames_(frames), floor_power_(std::max(static_cast<float>(floor_power), kLeastPower)) {
  if (!has_kernel(target, frames.fft_size)) {
    throw ContractError("StftDistance: the target must be float32 on the CPU, fft_size 512, 1024 or 2048");
  }
  samples_ = target.size(-1);
  rows_ = target.numel() / samples_;
  count_ = 1 + samples_ / frames.hop_size;
  const auto window = stft_window(target, frames.fft_size, frames.hop_size, frames.padding, frames.win_length);
  window_.assign(window.const_data_ptr<float>(), window.const_data_ptr<float>() + window.numel());
  const auto norms = norm.detach().to(at::kDouble).flatten().contiguous();
  if (norms.numel() != rows_ && norms.numel() != 1)
    throw ContractError("StftDistance: a norm for each row expected, or one for all");
  norm_.assign(norms.const_data_ptr<double>(), norms.const_data_ptr<double>() + norms.numel());

  const auto probe = make_stft_distance_kernel(window_, static_cast<int>(frames.hop_size), 1);
  const std::int64_t batch = probe->batch_frames(), batches = (count_ + batch - 1) / batch;
  most_frames_ = batch * ((batches + kStretches - 1) / kStretches);
  std::size_t size = 0;
  for (std::int64_t row = 0; row < rows_; ++row) {
    for (std::int64_t first = 0; first < count_; first += most_frames_) {
      stretches_.push_back({row, first, std::min(most_frames_, count_ - first), size});
      size += probe->target_size(static_cast<int>(stretches_.back().frames));
    }
  }
  target_ = hwy::AllocateAligned<float>(size);
  const auto padded = padded_rows(target);
  for_stretches([&](StftDistanceKernel& kernel, const Stretch& s, std::size_t) {
    const float* from = padded[static_cast<std::size_t>(s.row)].data() + s.first * frames_.hop_size;
    kernel.make_target(from, static_cast<int>(s.frames), floor_power_, target_.get() + s.target);
  });
}

std::vector<std::vector<float>> StftDistance::padded_rows(const at::Tensor& signal) const {
  const auto rows = signal.detach().contiguous();
  std::vector<std::vector<float>> padded;
  for (std::int64_t row = 0; row < rows_; ++row) {
    const float* from = rows.const_data_ptr<float>() + row * samples_;
    padded.push_back(pad(from, frames_.fft_size / 2, samples_, frames_.padding));
  }
  return padded;
}

/// Calls work(kernel, stretch, index) for every stretch, on several threads.
template <typename Work>
void StftDistance::for_stretches(const Work& work) const {
  at::parallel_for(0, static_cast<std::int64_t>(stretches_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    std::unique_ptr<StftDistanceKernel> kernel;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        kernel = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!kernel) {
      kernel = make_stft_distance_kernel(window_, static_cast<int>(frames_.hop_size), static_cast<int>(most_frames_));
    }
    for (std::int64_t i = begin; i < end; ++i)
      work(*kernel, stretches_[static_cast<std::size_t>(i)], static_cast<std::size_t>(i));
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(kernel));
  });
}

StftDistance::Result StftDistance::evaluate(const at::Tensor& signal, double convergence_weight, double log_weight,
                                            bool with_gradient) const {
  if (!has_kernel(signal, frames_.fft_size) || signal.size(-1) != samples_ || signal.numel() != rows_ * samples_)
    throw ContractError("StftDistance: the signal must have the target's shape, type and device");
  const auto padded = padded_rows(signal);
  std::vector<StftDistanceKernel::Sums> sums(stretches_.size());
  std::vector<std::vector<float>> squared(stretches_.size()), logarithm(stretches_.size());
  for_stretches([&](StftDistanceKernel& kernel, const Stretch& s, std::size_t i) {
    const auto length = static_cast<std::size_t>((s.frames - 1) * frames_.hop_size + frames_.fft_size);
    for (auto* gradient : {&squared[i], &logarithm[i]}) gradient->resize(with_gradient ? length : 0);
    sums[i] =
        kernel.measure(padded[static_cast<std::size_t>(s.row)].data() + s.first * frames_.hop_size,
                       static_cast<int>(s.frames), floor_power_, target_.get() + s.target,
                       with_gradient ? squared[i].data() : nullptr, with_gradient ? logarithm[i].data() : nullptr);
  });

  std::vector<double> distance(norm_.size());
  double logarithms = 0, value = 0;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    distance[norm_of(stretches_[i].row)] += sums[i].squared;
    logarithms += sums[i].logarithm;
  }
  const double norms = static_cast<double>(norm_.size());
  const double log_share =
      log_weight / (static_cast<double>(rows_) * static_cast<double>((frames_.fft_size / 2 + 1) * count_));
  for (std::size_t r = 0; r < distance.size(); ++r) {
    distance[r] = std::sqrt(distance[r]);
    value += convergence_weight / norms * distance[r] / norm_[r];
  }
  Result result;
  result.value = at::scalar_tensor(value + log_share * logarithms, signal.options().requires_grad(false));
  if (!with_gradient) return result;

  result.gradient = at::empty(signal.sizes(), signal.options().requires_grad(false));
  std::vector<float> sum(static_cast<std::size_t>(samples_ + frames_.fft_size));
  std::size_t i = 0;
  for (std::int64_t row = 0; row < rows_; ++row) {
    const std::size_t r = norm_of(row);
    std::fill(sum.begin(), sum.end(), 0.0f);
    const auto a = static_cast<float>(distance[r] > 0 ? convergence_weight / (norms * norm_[r] * distance[r]) : 0);
    const auto b = static_cast<float>(log_share);
    for (; i < stretches_.size() && stretches_[i].row == row; ++i) {
      float* to = sum.data() + stretches_[i].first * frames_.hop_size;
      for (std::size_t n = 0; n < squared[i].size(); ++n) to[n] += a * squared[i][n] + b * logarithm[i][n];
    }
    fold(sum, frames_.fft_size / 2, samples_, frames_.padding, result.gradient.data_ptr<float>() + row * samples_);
  }
  return result;
}

at::Tensor StftDistance::operator()(const at::Tensor& signal, double convergence_weight, double log_weight) const {
  const bool with_gradient = at::GradMode::is_enabled() && signal.requires_grad();
  return Evaluation::apply(signal, this, convergence_weight, log_weight, with_gradient);
}

}  // namespace diffverb
