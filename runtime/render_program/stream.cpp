#include "runtime/render_program/stream.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "runtime/live/moving_delay.h"
#include "runtime/render_program/failure.h"
#include "runtime/render_program/sound_input.h"

namespace diffverb::runtime {
namespace {

constexpr double kImpulseRate = 48000;  // of a player that takes any

/// Rows of samples and pointers to them.
class Planes {
 public:
  Planes(int rows, std::size_t frames) : samples_(static_cast<std::size_t>(rows), std::vector<float>(frames, 0.0f)) {
    for (auto& row : samples_) rows_.push_back(row.data());
  }
  float* const* rows() { return rows_.data(); }
  std::vector<float>& operator[](int row) { return samples_[static_cast<std::size_t>(row)]; }
  int count() const { return static_cast<int>(samples_.size()); }
  void silence() {
    for (auto& row : samples_) std::fill(row.begin(), row.end(), 0.0f);
  }

 private:
  std::vector<std::vector<float>> samples_;
  std::vector<float*> rows_;
};

/// A line that says how far a file is, on a terminal alone.
class ProgressLine {
 public:
  ProgressLine(std::string name, double total)
      : name_(std::move(name)), total_(total), shown_(::isatty(STDERR_FILENO)) {}
  ~ProgressLine() {
    if (shown_) std::fprintf(stderr, "\r\033[K");
  }
  void update(double done) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    const double share = std::clamp(done / std::max(1.0, total_), 0.0, 1.0);
    const double spent = std::chrono::duration<double>(now - start_).count();
    std::string bar(30, ' ');
    std::fill_n(bar.begin(), std::lround(30 * share), '=');
    std::fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %.0f s left", name_.c_str(), bar.c_str(), 100 * share,
                 share > 0 ? spent * (1 - share) / share : 0.0);
  }

 private:
  std::string name_;
  double total_;
  bool shown_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), last_{};
};

/// What the player hears of a sound.
void spread(Planes& sound, Planes& inputs, std::size_t frames) {
  if (inputs.count() > 1) {
    for (int i = 0; i < inputs.count(); ++i)
      std::copy_n(sound[std::min(i, sound.count() - 1)].begin(), frames, inputs[i].begin());
    return;
  }
  const auto count = static_cast<float>(sound.count());
  for (std::size_t n = 0; n < frames; ++n) {
    inputs[0][n] = 0;
    for (int c = 0; c < sound.count(); ++c) inputs[0][n] += sound[c][n] / count;
  }
}

/// A sound of more channels than a player of several inputs has is played in part; into one input all are mixed.
void say_what_is_not_heard(const std::string& in, int channels, int inputs) {
  if (inputs == 1 || channels <= inputs) return;
  std::fprintf(stderr, "%s: has %d channels, the reverb %d inputs: channels %d to %d are not sent to it\n", in.c_str(),
               channels, inputs, inputs + 1, channels);
}

Streamed finish(SoundOutput& output, double frames, double rate_hz) {
  output.finish();
  return {frames / rate_hz, rate_hz, output.peak(), output.clipped()};
}

std::size_t samples_of(double seconds, double rate_hz) {
  return static_cast<std::size_t>(std::max(0LL, std::llround(seconds * rate_hz)));
}

}  // namespace

Streamed stream_sound(OfflinePlayer& player, const std::string& in, const std::string& out,
                      const StreamOptions& options) {
  SoundInput input(in, player.rate_hz());
  const double rate = input.rate_hz();
  if (input.channels() > player.most_channels())
    throw RenderFailure{2, in + ": has " + std::to_string(input.channels()) + " channels, expected 1 or 2"};
  player.start(rate, input.channels());
  say_what_is_not_heard(in, input.channels(), player.inputs());
  const auto predelay = static_cast<int>(samples_of(options.predelay_ms / 1000, rate));
  std::size_t tail =
      samples_of(options.tail_s >= 0 ? options.tail_s : player.tail_s(), rate) + static_cast<std::size_t>(predelay);
  const double expected = input.frames_expected() + static_cast<double>(tail);
  SoundOutput output(out, player.outputs(), rate, options.format, expected);

  const auto block = static_cast<std::size_t>(options.block);
  Planes sound(input.channels(), block), inputs(player.inputs(), block), wet(player.outputs(), block);
  MovingDelay delay;
  delay.prepare(player.outputs(), predelay, 1);
  delay.jump(predelay);
  ProgressLine progress(in, expected);
  const double gain = std::pow(10, options.gain_db / 20);
  double done = 0;
  for (bool ended = false; !ended || tail > 0;) {
    std::size_t frames = ended ? 0 : input.read(sound.rows(), block);
    if (frames == 0) {  // silence behind its end
      ended = true;
      frames = std::min(block, tail);
      tail -= frames;
      sound.silence();
      if (frames == 0) break;
    }
    spread(sound, inputs, frames);
    player.process(inputs.rows(), wet.rows(), static_cast<int>(frames));
    if (predelay > 0) delay.process(wet.rows(), static_cast<int>(frames));
    for (int c = 0; c < wet.count(); ++c) {
      const auto& dry = sound[std::min(c, sound.count() - 1)];
      for (std::size_t n = 0; n < frames; ++n)
        wet[c][n] = static_cast<float>(gain * (options.mix * wet[c][n] + (1 - options.mix) * dry[n]));
    }
    output.write(wet.rows(), frames);
    progress.update(done += static_cast<double>(frames));
  }
  return finish(output, done, rate);
}

Streamed stream_impulse(OfflinePlayer& player, double seconds, const std::string& out, const StreamOptions& options) {
  const double rate = player.rate_hz() > 0 ? player.rate_hz() : kImpulseRate;
  player.start(rate, std::min(player.most_channels(), 2));
  std::size_t left = std::max<std::size_t>(1, samples_of(seconds, rate));
  const auto all = static_cast<double>(left);
  SoundOutput output(out, player.outputs(), rate, options.format, all);
  const auto block = static_cast<std::size_t>(options.block);
  Planes inputs(player.inputs(), block), wet(player.outputs(), block);
  for (int i = 0; i < inputs.count(); ++i) inputs[i][0] = static_cast<float>(std::pow(10, options.gain_db / 20));
  while (left > 0) {
    const std::size_t frames = std::min(block, left);
    player.process(inputs.rows(), wet.rows(), static_cast<int>(frames));
    output.write(wet.rows(), frames);
    inputs.silence();
    left -= frames;
  }
  return finish(output, all, rate);
}

}  // namespace diffverb::runtime
