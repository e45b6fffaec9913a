#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "core/audio_file.h"
#include "train/report/dry_sound.h"
#include "train/report/listen.h"

namespace diffverb::report {

/// A folder for one test that goes away with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    path_ = std::filesystem::temp_directory_path() /
            ("diffverb_report_" + std::to_string(random()) + std::to_string(random()));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Noise that decays by 60 dB in t60_s, from sample 100 on.
inline Audio decaying_noise(std::size_t channels, double t60_s, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Audio out;
  out.rate_hz = 16000;
  out.channels.assign(channels, std::vector<float>(16000));
  for (std::vector<float>& channel : out.channels) {
    for (std::size_t n = 100; n < channel.size(); ++n) {
      channel[n] = 0.2f * normal(random) *
                   static_cast<float>(std::pow(10.0, -3 * (static_cast<double>(n) - 100) / 16000 / t60_s));
    }
  }
  return out;
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// A safetensors file without tensors, with the metadata given as JSON.
inline std::string weights_with(const std::string& metadata) {
  const std::string header = "{\"__metadata__\":" + metadata + "}";
  std::string out;
  for (int k = 0; k < 8; ++k) out += static_cast<char>(header.size() >> 8 * k);
  return out + header;
}

/// A whole run folder, as `diffverb fit` leaves one.
inline void write_sample_run(const std::filesystem::path& folder, std::size_t channels = 2,
                             const std::string& file = "room.wav") {
  std::filesystem::create_directories(folder);
  const Audio target = decaying_noise(channels, 0.5, 1), fit = decaying_noise(channels, 0.45, 2),
              dry = make_dry_sound(16000, 1);
  write_audio(folder / "target.wav", target);
  write_audio(folder / "ir.wav", fit);
  write_audio(folder / "dry.wav", dry);
  write_audio(folder / "wet.wav", convolve(dry, fit));
  write_text(
      folder / "metrics.json",
      "{\"target\":\"/somewhere/" + file +
          "\",\"other\":\"ir.wav\",\"bands\":[{\"hz\":125,\"t_error_pct\":-12.5,"
          "\"edt_error_pct\":3,\"c80_error_db\":0.2,\"d50_error\":0.01,\"level_error_db\":null},{\"hz\":1000,\"t_error_"
          "pct\":2,"
          "\"edt_error_pct\":-1,\"c80_error_db\":0.1,\"d50_error\":0.01,\"level_error_db\":0.3}],"
          "\"median\":{\"t_error_pct\":2.25,\"edt_error_pct\":2,\"c80_error_db\":0.15,\"level_error_db\":0.3},"
          "\"worst\":{\"t_error_pct\":12.5,\"edt_error_pct\":3,\"c80_error_db\":0.2,\"level_error_db\":0.3},"
          "\"thirds\":{\"median\":{\"t_error_pct\":3.5,\"edt_error_pct\":4.5},\"worst\":{\"t_error_pct\":15,\"edt_"
          "error_pct\":null}},"
          "\"level_shape_db\":0.21,\"level_offset_db\":-0.11,\"late_modes_pct\":0.31,\"late_modes_target_pct\":0.02,"
          "\"echo_density\":1.01,\"echo_density_target\":0.99,\"early_ms\":80,\"seconds\":12.5,\"steps\":100,"
          "\"parameters\":321}");
  write_text(folder / "losses.jsonl",
             "{\"step\":0,\"loss\":4.0,\"terms\":{\"edc\":3.0,\"stft\":1.0},\"rate\":0.02}\n"
             "{\"step\":1,\"loss\":2.0,\"terms\":{\"edc\":1.5,\"stft\":0.5},\"rate\":0.02}\n"
             "{\"step\":2,\"loss\":1.0,\"terms\":{\"edc\":0.7,\"stft\":0.3},\"rate\":0.01}\n");
  write_text(folder / "config.resolved.yaml", "seed: 1  # <script>alert('config')</script>\n");
  write_text(folder / "log", "fit started & <b>ended</b>\n");
  write_text(folder / "weights.safetensors",
             weights_with("{\"kind\":\"delay_network\",\"early_ms\":\"80\",\"provenance\":"
                          "\"{\\\"licence\\\":\\\"CC-BY <4.0>\\\"}\"}"));
}

}  // namespace diffverb::report
