#include "train/report/pair_page.h"

#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "train/report/charts.h"
#include "train/report/html.h"
#include "train/report/parts.h"
#include "train/report/run_data.h"
#include "train/report/sections.h"

namespace diffverb {
namespace report {
namespace {

namespace fs = std::filesystem;

constexpr double kShown_s = 12;  // of the held-back part, in pictures

Audio stretch(const Audio& audio, double from_s, double seconds) {
  Audio out;
  out.rate_hz = audio.rate_hz;
  const auto from = std::min(audio.frames(), static_cast<std::size_t>(std::max(0.0, from_s) * audio.rate_hz));
  const auto to = std::min(audio.frames(), from + static_cast<std::size_t>(seconds * audio.rate_hz));
  for (const auto& channel : audio.channels)
    out.channels.emplace_back(channel.begin() + static_cast<std::ptrdiff_t>(from),
                              channel.begin() + static_cast<std::ptrdiff_t>(to));
  return out;
}

std::string pair_figures_section(const nlohmann::json& metrics) {
  const auto row = [&](const char* name, const char* part) {
    return "<tr><td class=\"name\">" + std::string(name) + "</td><td>" +
           number(number_at(metrics, {part, "nmse_db"}), 2) + "</td><td>" +
           number(number_at(metrics, {part, "log_spectral_distance_db"}), 2) + "</td></tr>";
  };
  const double from_s = number_at(metrics, {"held_back_from_s"});
  return "<p class=\"verdict\">On the part that no step has seen (from " + number(from_s, 2) + " s on) the error is " +
         number(number_at(metrics, {"held_back", "nmse_db"}), 1) + " dB of the recording's energy, its spectrogram " +
         number(number_at(metrics, {"held_back", "log_spectral_distance_db"}), 1) +
         " dB off on average.</p><div class=\"scroll\"><table class=\"narrow\"><thead><tr><th>part</th><th>NMSE, "
         "dB</th><th>log-spectral distance, dB</th></tr></thead><tbody>" +
         row("held back", "held_back") + row("trained on", "training") + "</tbody></table></div>";
}

std::string pair_rows(const nlohmann::json& metrics) {
  std::string rows;
  add_row(rows, "Played", text_at(metrics, "dry"));
  add_row(rows, "Recorded", text_at(metrics, "wet"));
  add_row(rows, "Delay found",
          number(number_at(metrics, {"delay_samples"}), 0) + " samples, removed " +
              number(number_at(metrics, {"removed_samples"}), 0));
  add_row(rows, "Correlation's peak",
          number(number_at(metrics, {"correlation_peak_db"}), 1) +
              " dB above its surroundings (unrelated sounds: up to " +
              number(number_at(metrics, {"unrelated_peak_db"}), 1) + " dB)");
  add_row(rows, "Parameters", number(number_at(metrics, {"parameters"}), 0));
  add_row(rows, "Steps",
          number(number_at(metrics, {"steps"}), 0) + " in " + number(number_at(metrics, {"seconds"}), 1) + " s");
  return "<section><h2 id=\"pair\">The pair</h2><dl>" + rows + "</dl></section>";
}

std::string sounds_section(const Audio& dry, const Audio& wet, const Audio& out) {
  const ListeningCopy copy = listening_copy(
      {{"recorded", "wet", wet}, {"as the runtime plays it", "wet", out}, {"dry", "dry", dry}}, kSoundBudget_bytes);
  std::string text =
      "<section><h2 id=\"listen\">Listen</h2><p>From where the held-back part begins; both at the same "
      "gain.</p><div class=\"sounds\">" +
      sound_card(copy, "wet", "What was recorded, and the model") + sound_card(copy, "dry", "What was played") +
      "</div>";
  if (!copy.remark.empty())
    text += "<p class=\"soft\">To keep the page small these are copies: " + escape(copy.remark) + ".</p>";
  return text + "</section>";
}

std::string pictures_section(const Audio& wet, const Audio& out) {
  SpectrogramStyle style;
  style.name = "model";
  style.difference = true;
  return section("spectrogram", "Spectrograms",
                 "<p>The held-back part, both on one scale of colours; then the model over the recording.</p>" +
                     colour_ramp(viridis(), "−80 dB", "0 dB: the recording's largest value") +
                     colour_ramp(blue_red(), "−20 dB", "+20 dB"),
                 std::min(wet.channels.size(), out.channels.size()), [&](std::size_t c) {
                   return figures(spectrogram_charts(wet.channels[c], out.channels[c], wet.rate_hz, style), "grid3");
                 });
}

}  // namespace

bool is_pair_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "out.wav", ignored);
}

}  // namespace report

void write_pair_report(const std::filesystem::path& folder, const std::filesystem::path& out_html) {
  using namespace report;
  const RunData run = read_run(folder);
  const double from_s = number_at(run.metrics, {"held_back_from_s"});
  const auto shown = [&](const char* name) { return stretch(read_audio(folder / name), from_s, kShown_s); };
  const Audio dry = shown("dry.wav"), wet = shown("wet.wav"), out = shown("out.wav");
  std::string body = "<h1>" + escape(run.name) + "</h1><p class=\"sub\">A model fitted to a pair, dry and wet</p>";
  body += pair_figures_section(run.metrics) + sounds_section(dry, wet, out) + pictures_section(wet, out);
  if (run.target && run.fit) {
    body +=
        "<section><h2>The linear response</h2><p>Target is what division of wet by dry gives, fit the model as the "
        "runtime plays it.</p></section>";
    body += with_prefix(comparison_sections(run, {acoustics::analyze(*run.target, chart_options()),
                                                  acoustics::analyze(*run.fit, chart_options())}),
                        "response-");
  }
  body += loss_section(run) + pair_rows(run.metrics) + provenance_section(run);
  write_file_atomically(out_html, page(run.name + " - diffverb report", body));
}

}  // namespace diffverb
