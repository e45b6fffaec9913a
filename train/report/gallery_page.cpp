#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "train/report/charts.h"
#include "train/report/gallery.h"
#include "train/report/html.h"
#include "train/report/listen.h"
#include "train/report/parts.h"
#include "train/report/png.h"
#include "train/report/sound_file.h"

namespace diffverb::report {
namespace {

constexpr double kInaudible = 1e-3;   // of the peak: where a listening copy may end
constexpr double kQuality = 0.5;      // of Ogg Vorbis
constexpr double kOverlapHz_s = 2.2;  // half-power bandwidth of a mode times its decay time

std::string cell(const std::string& text) { return "<td>" + text + "</td>"; }
std::string cell(double value, int decimals) { return cell(number(value, decimals)); }
std::string cell(double value, int decimals, bool is_over) {
  return (is_over ? "<td class=\"over\">" : "<td>") + number(value, decimals) + "</td>";
}
std::string name_cell(const GalleryEntry& entry) {
  return "<td><a href=\"#listen-" + escape(entry.name) + "\">" + escape(entry.name) + "</a></td>";
}

std::string heads(const std::vector<std::pair<std::string, std::string>>& names_and_titles) {
  std::string out = "<div class=\"scroll\"><table class=\"sortable\"><thead><tr>";
  for (const auto& [name, title] : names_and_titles)
    out += "<th" + (title.empty() ? "" : " title=\"" + escape(title) + "\"") + ">" + escape(name) + "</th>";
  return out + "</tr></thead><tbody>";
}

std::string summary_row(const GalleryEntry& entry) {
  const auto& tail = entry.tail;
  const auto density_ms = [&](double eta) {
    return 1000 * acoustics::time_of_density_s(entry.channel.density, eta).value_or(kNan);
  };
  const auto late = [&](double acoustics::LateSpectrum::*figure) {
    return tail.spectrum ? (*tail.spectrum).*figure : kNan;
  };
  const double spread_db = late(&acoustics::LateSpectrum::spread_db),
               isolated_pct = late(&acoustics::LateSpectrum::isolated_pct), density = tail.echo_density.value_or(kNan);
  std::string out = "<tr>" + name_cell(entry) + "<td class=\"" +
                    (tail.metallic ? "far"
                     : tail.grainy ? "near"
                                   : "good") +
                    "\">" + verdict(entry) + "</td>" + cell(mid_t60_s(entry), 2) + cell(mid_edt_s(entry), 2) +
                    cell(number(density_ms(0.9), 0) + " / " + number(density_ms(1), 0)) +
                    cell(density, 2, density < acoustics::kGrainyDensity) +
                    cell(spread_db, 2, spread_db >= acoustics::kMetallicSpreadDb) +
                    cell(isolated_pct, 2, isolated_pct >= acoustics::kMetallicPct);
  out += cell(number(late(&acoustics::LateSpectrum::loudest_db), 1) + " at " +
              number(late(&acoustics::LateSpectrum::loudest_hz), 0));
  out += cell(entry.modes.why_not.empty() ? entry.modes.density_per_hz : kNan, 2);
  out += cell(mean_coherence(entry), 2) + cell(entry.iacc ? entry.iacc->late_l3.value_or(kNan) : kNan, 2);
  out += cell(1000 * entry.cost, 1) + cell(std::to_string(entry.lines)) +
         cell(entry.parameters ? std::to_string(*entry.parameters) : "—");
  return out + "</tr>";
}

std::string rule_text() {
  return "<p><b>Metallic</b> is said of a late part (from 80 ms on, until it has fallen by 60 dB) in which " +
         number(acoustics::kMetallicPct, 1) +
         " % of the bins or more between 200 Hz and 4 kHz stand 12 dB above the median of their neighbours within a "
         "sixth of an octave (late modes), or in which |H| scatters by " +
         number(acoustics::kMetallicSpreadDb, 1) + " dB or more about their mean (spread). Where modes overlap, " +
         number(acoustics::kDiffuseSpreadDb, 2) +
         " dB are to be expected (Schroeder 1954); decaying noise measures 5.2 to 5.8 dB and at most 0.01 %, a single "
         "comb 10 %. The density of a network's modes does not grow with frequency as a room's does, so that there is "
         "no Schroeder frequency to stay above. <b>Grainy</b>: the echo density of that part is below " +
         number(acoustics::kGrainyDensity, 1) +
         " on average, single echoes are heard (1 is diffuse: Abel and Huang 2006). <b>Smooth</b> is neither. All of "
         "the first output; what is heavy and red made the verdict.</p>";
}

std::string summary_section(const std::vector<GalleryEntry>& entries) {
  std::string out = "<section><h2 id=\"summary\">Summary</h2>" + rule_text();
  out +=
      heads({{"reverberator", ""},
             {"sounds", ""},
             {"T60, s", "mean of 500 Hz and 1 kHz; T30, or T20 where the decay has no range for it"},
             {"EDT, s", "mean of 500 Hz and 1 kHz"},
             {"dense at, ms", "when the echo density first reaches 0.9, and 1"},
             {"late density", "mean echo density of the late part"},
             {"spread, dB", "standard deviation of |H| in dB, late part; 5.57 where modes overlap"},
             {"late modes, %", "bins 12 dB above their neighbours; 0.002 in a diffuse tail"},
             {"loudest, dB at Hz", "the highest bin over the median of its neighbours; about 11 dB in a diffuse tail"},
             {"modes / Hz", "of the network; see Modes"},
             {"coherence", "squared, of the first two outputs, late part, mean over third octaves"},
             {"IACC", "late, 80 ms to 1 s, mean of 500 Hz to 2 kHz (ISO 3382-1, of the two outputs)"},
             {"cost, ms/s", "milliseconds of one core of this machine for a second of sound, in the engine"},
             {"lines", "delay lines"},
             {"numbers", "that a fit may learn"}});
  for (const GalleryEntry& entry : entries) {
    if (entry.error.empty()) out += summary_row(entry);
  }
  return out + "</tbody></table></div><p class=\"soft\">A click on a heading sorts.</p></section>";
}

/// Cut where it falls silent.
Audio trimmed(const Audio& audio) {
  const double least = kInaudible * peak(audio);
  std::size_t end = std::min<std::size_t>(audio.frames(), 1000);
  for (const std::vector<float>& channel : audio.channels) {
    for (std::size_t n = channel.size(); n > end; --n) {
      if (std::abs(static_cast<double>(channel[n - 1])) <= least) continue;
      end = n;
      break;
    }
  }
  Audio out = audio;
  for (std::vector<float>& channel : out.channels) channel.resize(end);
  return out;
}

std::string sounds_of(const GalleryEntry& entry) {
  const ListeningCopy copy = listening_copy({{"a dry sound through it", "played", trimmed(entry.played)},
                                             {"impulse response", "ir", trimmed(entry.response)}},
                                            std::numeric_limits<std::size_t>::max());
  std::string out = "<div class=\"card\" id=\"listen-" + escape(entry.name) + "\"><h3>" + escape(entry.name) + " · " +
                    verdict(entry) + "</h3>";
  for (std::size_t k = 0; k < copy.sounds.size(); ++k) {
    out += "<label>" + copy.sounds[k].label + "<audio controls preload=\"none\" src=\"data:audio/ogg;base64," +
           base64(encode_sound(copy.sounds[k].audio, copy.gains[k], SoundFormat::kVorbis, kQuality)) +
           "\"></audio></label>";
  }
  const std::string stem = "sounds/" + entry.name;
  return out + "<p class=\"soft\">" + escape(std::filesystem::path(entry.config).filename().string()) + ", " +
         std::to_string(entry.inputs) + " → " + std::to_string(entry.outputs) + " at " + band_name(entry.rate_hz) +
         "; as played: <a href=\"" + relative_link(stem + "_dry.wav", "") + "\">WAV</a>, <a href=\"" +
         relative_link(stem + "_ir.wav", "") + "\">response</a></p></div>";
}

std::string listen_section(const std::vector<GalleryEntry>& entries, const GalleryAbout& about) {
  std::string out =
      "<section><h2 id=\"listen\">Listen</h2><p>" +
      (about.dry.empty() ? "Plucked strings, a snare drum and a click, made by the program," : escape(about.dry)) +
      std::string(
          " through each, with nothing of the dry sound left; and the response to an impulse at every input. "
          "Played by the runtime as it is exported. Here each is brought to the same peak and coded (Ogg "
          "Vorbis); the WAV files in the folder sounds are as they were played.</p><div class=\"sounds\">");
  for (const GalleryEntry& entry : entries) {
    if (entry.error.empty()) out += sounds_of(entry);
  }
  return out + "</div></section>";
}

std::string band_table(const std::vector<GalleryEntry>& entries,
                       std::optional<double> (*figure)(const acoustics::BandResult&)) {
  const std::vector<double> octaves = {63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000};
  std::vector<std::pair<std::string, std::string>> names = {{"reverberator", ""}};
  for (const double hz : octaves) names.emplace_back(band_name(hz), "");
  std::string out = heads(names);
  for (const GalleryEntry& entry : entries) {
    if (!entry.error.empty()) continue;
    out += "<tr>" + name_cell(entry);
    for (const double hz : octaves) {
      const auto& bands = entry.channel.octaves;
      const auto at = std::find_if(bands.begin(), bands.end(), [&](const auto& band) { return band.hz == hz; });
      out += cell(at == bands.end() ? kNan : figure(*at).value_or(kNan), 2);
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>";
}

std::string decay_section(const std::vector<GalleryEntry>& entries) {
  std::string key = "<div class=\"key\">";
  for (int octave = 0; octave < 8; ++octave)
    key += line_key("r" + std::to_string(octave), band_name(octave == 0 ? 63 : 62.5 * std::exp2(octave)));
  return "<section><h2 id=\"decay\">Decay by octave band</h2><p>Schroeder's backward integration of responses that are "
         "long enough for it, whatever is heard here of them; they have no noise to take away. Click a chart to "
         "enlarge it.</p>" +
         key + "</div>" + figures(gallery_decays(entries), "grid3") +
         "<h3>T60, s (T30, or T20 where the decay has no range for it)</h3>" +
         band_table(entries, [](const acoustics::BandResult& band) { return band.t_s(); }) + "<h3>EDT, s</h3>" +
         band_table(entries, [](const acoustics::BandResult& band) { return band.edt_s; }) + "</section>";
}

std::string modes_row(const GalleryEntry& entry) {
  const GalleryModes& modes = entry.modes;
  if (!modes.why_not.empty())
    return "<tr>" + name_cell(entry) + "<td colspan=\"10\" class=\"name\">" + escape(modes.why_not) + "</td></tr>";
  return "<tr>" + name_cell(entry) + cell(modes.rate_hz, 0) + cell(std::to_string(modes.poles)) +
         cell(modes.density_per_hz, 3) + cell(modes.t60_p10_s, 2) + cell(modes.t60_median_s, 2) +
         cell(modes.t60_p90_s, 2) + cell(kOverlapHz_s * modes.density_per_hz / modes.t60_median_s, 2) +
         cell(modes.spread_db, 1) + cell(modes.loudest_late_db, 1) + cell(modes.loudest_late_hz, 0) + "</tr>";
}

std::string modes_section(const std::vector<GalleryEntry>& entries) {
  std::string out =
      "<section><h2 id=\"modes\">Modes</h2><p>All poles of each network and their residues from all inputs to the "
      "first output (Schlecht and Habets 2019). Poles cost the square of their number: the network is built at the "
      "rate in the table for this, not at the rate at which it is played; density and decay times hardly depend on "
      "that. At rest: a modulated line has no modes. Overlap: mode density times the bandwidth of the median mode; "
      "above 3 no mode is heard alone. Levels of the modes within 60 dB of the upper quartile, 200 Hz to 4 kHz (or "
      "0.45 of "
      "the rate). Rings on: the strongest over the median of its neighbours when the median mode has fallen by 60 "
      "dB; large where short and long modes stand side by side, as those of an input allpass and of the tank do.</p>";
  out += heads({{"reverberator", ""},
                {"rate, Hz", ""},
                {"poles", ""},
                {"modes / Hz", ""},
                {"T60 10 %, s", "a tenth of the modes is shorter"},
                {"median", ""},
                {"90 %", "a tenth of the modes is longer"},
                {"overlap", ""},
                {"level spread, dB", "standard deviation of the residues"},
                {"rings on, dB", ""},
                {"at, Hz", ""}});
  for (const GalleryEntry& entry : entries) {
    if (entry.error.empty()) out += modes_row(entry);
  }
  return out + "</tbody></table></div></section>";
}

std::string stereo_section(const std::vector<GalleryEntry>& entries) {
  const std::vector<Chart> charts = gallery_coherences(entries);
  if (charts.empty()) return "";
  return "<section><h2 id=\"stereo\">Stereo coherence</h2><p>Magnitude-squared, of the first two outputs in third "
         "octaves, late part: 0 independent, 1 one the filtered other. Those with one output have none.</p>" +
         figures(charts, "grid3") + "</section>";
}

}  // namespace

std::string gallery_page(const std::vector<GalleryEntry>& entries, const GalleryAbout& about) {
  std::vector<std::string> failed;
  for (const GalleryEntry& entry : entries) {
    if (!entry.error.empty()) failed.push_back("Not played: " + entry.error);
  }
  const std::size_t count = entries.size() - failed.size();
  std::string body = "<h1>" + std::to_string(count) + (count == 1 ? " reverberator" : " reverberators") +
                     " side by side</h1><p class=\"sub\">Responses of " + number(about.seconds, 1) +
                     " s, as the runtime plays them</p>";
  if (count > 0) {
    std::vector<std::pair<std::string, std::string>> links{
        {"summary", "Summary"},           {"listen", "Listen"}, {"decay", "Decay"}, {"density", "Echo density"},
        {"spectrograms", "Spectrograms"}, {"modes", "Modes"}};
    if (!stereo_section(entries).empty()) links.emplace_back("stereo", "Stereo");
    body += navigation(links);
  }
  body += missing_box(failed);
  if (count == 0) return page("diffverb gallery", body);
  body += summary_section(entries) + listen_section(entries, about) + decay_section(entries);
  body +=
      "<section><h2 id=\"density\">Echo density over time</h2><p>0 for a few single echoes, 1 for a diffuse tail "
      "(Abel and Huang 2006).</p>" +
      figures(gallery_densities(entries), "grid3") + "</section>";
  body += "<section><h2 id=\"spectrograms\">Spectrograms</h2>" +
          colour_ramp(viridis(), "−80 dB", "0 dB: its largest value") + "<div class=\"pair\">" +
          figures(gallery_spectrograms(entries), "grid3") + "</div></section>";
  return page("diffverb gallery", body + modes_section(entries) + stereo_section(entries));
}

}  // namespace diffverb::report
