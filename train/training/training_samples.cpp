#include "train/training/training_samples.h"

#include <algorithm>

#include "core/audio_tensor.h"
#include "core/spectral/stft.h"
#include "train/report/listen.h"
#include "train/report/png.h"

namespace diffverb {
namespace {

constexpr std::int64_t kFftSize = 512, kHopSize = 128;
constexpr double kSpan_db = 80;

/// [F, K] within [0, 1]; undefined where the response has neither.
at::Tensor picture_of(const Response& response, std::int64_t example) {
  if (response.has("spectrogram") && response.get("spectrogram").dim() == 4)
    return response.get("spectrogram")[example][0].detach().to(at::kCPU, at::kFloat);
  if (!response.has("ir")) return {};
  const at::Tensor ir = response.ir()[example][0].detach().to(at::kCPU, at::kFloat);
  const at::Tensor power = power_spectrogram(ir, kFftSize, kHopSize, Padding::kZero);
  const at::Tensor db = 10 * (power / power.max().clamp_min(1e-30)).clamp_min(1e-20).log10();
  return 1 + db / kSpan_db;
}

void add_picture(EventWriter& events, const std::string& tag, const at::Tensor& picture, std::int64_t step) {
  if (!picture.defined()) return;
  const at::Tensor bytes =
      (picture.nan_to_num(0).clamp(0, 1) * 255).round().to(at::kByte).flip(0).contiguous();  // low notes below
  const auto height = static_cast<int>(bytes.size(0)), width = static_cast<int>(bytes.size(1));
  const auto* data = bytes.const_data_ptr<std::uint8_t>();
  events.image(tag, report::encode_png({data, data + bytes.numel()}, width, height, report::viridis()), width, height,
               step);
}

void add_sound(EventWriter& events, const std::string& tag, const Response& response, std::int64_t example,
               std::int64_t step) {
  if (!response.has("ir")) return;
  const at::Tensor ir = response.ir()[example];
  const Audio audio = audio_of(ir, response.sample_rate_hz());
  const double peak = ir.detach().abs().max().item<double>();
  const auto wav = report::wav16(audio, peak > 0 ? 0.9 / peak : 1);
  events.audio(tag, wav, audio.rate_hz, ir.size(0), ir.size(1), step);
}

}  // namespace

void show_samples(EventWriter& events, const Response& target, const Response& output, std::int64_t count,
                  std::int64_t step) {
  for (const auto& [response, name] : {std::pair(&target, "/target"), std::pair(&output, "/output")}) {
    for (std::int64_t example = 0; example < count; ++example) {
      const std::string tag = "example_" + std::to_string(example) + name;
      add_picture(events, tag, picture_of(*response, example), step);
      add_sound(events, tag + "_sound", *response, example, step);  // one tag for both would hide the second
    }
  }
}

}  // namespace diffverb
