#pragma once

#include <string>

#include "runtime/render_program/offline_player.h"
#include "runtime/render_program/sound_output.h"

namespace diffverb::runtime {

/// How sounds are played.
struct StreamOptions {
  double mix = 1;          // 0 dry to 1 wet
  double predelay_ms = 0;  // of the wet sound
  double tail_s = -1;      // after the sound's end; < 0: as long as the player rings on
  double gain_db = 0;      // of what is written
  int block = 512;         // samples a call of the player
  SampleFormat format = SampleFormat::kFloat;
};

/// What was written.
struct Streamed {
  double seconds = 0, rate_hz = 0;
  double peak = 0;  ///< 1 is full scale
  long long clipped = 0;
};

/// Plays a sound file into another one, piece by piece: what it holds in memory does not grow with the file. A player of one
/// input hears the mean of the channels, one of several hears them in order, the last one repeated. A bar of progress goes
/// to stderr where that is a terminal.
/// Throws   RenderFailure; then nothing was written
Streamed stream_sound(OfflinePlayer& player, const std::string& in, const std::string& out,
                      const StreamOptions& options);

/// A unit impulse at every input, wet alone.
Streamed stream_impulse(OfflinePlayer& player, double seconds, const std::string& out, const StreamOptions& options);

}  // namespace diffverb::runtime
