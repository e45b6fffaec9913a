#include "train/report/measurement_page.h"

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "train/report/charts.h"
#include "train/report/html.h"
#include "train/report/measurement_charts.h"
#include "train/report/parts.h"
#include "train/report/run_data.h"

namespace diffverb::report {
namespace {

constexpr std::size_t kSoundBudget_bytes = 2'000'000;

std::string list_of(const nlohmann::json& sentences) {
  std::string out;
  for (const auto& sentence : sentences) out += "<li>" + escape(sentence.get<std::string>()) + "</li>";
  return "<ul>" + out + "</ul>";
}

std::string verdict_section(const nlohmann::json& quality) {
  const bool good = quality.at("reasons").empty();
  std::string out = "<section><p class=\"verdict\">" +
                    std::string(good ? "Good: nothing asks for another measurement." : "Measure again:") + "</p>";
  if (!good) out += list_of(quality.at("reasons"));
  if (!quality.at("notes").empty()) out += "<h3>Notes</h3>" + list_of(quality.at("notes"));
  return out + "<h3>What this measurement cannot say</h3>" + list_of(quality.at("limits")) + "</section>";
}

std::string figures_section(const nlohmann::json& quality) {
  std::string rows;
  for (const auto& channel : quality.at("channels")) {
    const auto cell = [&](std::initializer_list<const char*> keys, int digits) {
      return "<td>" + number(number_at(channel, keys), digits) + "</td>";
    };
    rows += "<tr><td class=\"name\">channel " + number(number_at(channel, {"channel"}), 0) + "</td>" +
            cell({"inr_db"}, 1) + cell({"peak_dbfs"}, 1) + cell({"hum", "base_hz"}, 2) + cell({"hum", "dbfs"}, 1) +
            cell({"repetitions", "variance_db"}, 1) + "</tr>";
  }
  return "<section><h2 id=\"figures\">Figures</h2><div class=\"scroll\"><table class=\"narrow\"><thead><tr><th></th>"
         "<th>impulse over noise, dB</th><th>largest sample, dBFS</th><th>hum, Hz</th><th>hum, dBFS</th>"
         "<th>repetitions differ, dB</th></tr></thead><tbody>" +
         rows + "</tbody></table></div></section>";
}

std::string sound_section(const Audio& response) {
  const ListeningCopy copy = listening_copy({{"response", "response", response}}, kSoundBudget_bytes);
  return "<section><h2 id=\"listen\">Listen</h2><div class=\"sounds\">" + sound_card(copy, "response", "The response") +
         "</div>" + (copy.remark.empty() ? "" : "<p class=\"soft\">A copy: " + escape(copy.remark) + ".</p>") +
         "</section>";
}

}  // namespace

void write_measurement_page(const nlohmann::json& quality, const Audio& response, const MeasurementPictures& pictures,
                            const std::filesystem::path& out_html) {
  const auto analysis = acoustics::analyze(response, chart_options());
  const std::size_t channels = response.channels.size();
  const auto of = [&](std::size_t c) {
    return MeasuredPictures{quality.at("channels").at(c), response.channels[c], analysis.channels[c],
                            pictures.channels[c]};
  };
  const std::string body =
      "<h1>" + escape(pictures.recording) + "</h1><p class=\"sub\">A room's response from a recording of a sweep</p>" +
      navigation({{"response", "Response"}, {"range", "Range"}, {"recording", "Recording"}, {"clock", "Clock"}}) +
      verdict_section(quality) + figures_section(quality) + sound_section(response) +
      section("response", "Response and decay", "", channels,
              [&](std::size_t c) { return figures(response_charts(of(c)), "grid2"); }) +
      section("range", "Signal-to-noise and range by octaves", "", channels,
              [&](std::size_t c) { return figures(range_charts(of(c)), "grid3"); }) +
      section("recording", "The recording", "", channels,
              [&](std::size_t c) { return figures(recording_charts(of(c)), "grid2"); }) +
      "<section><h2 id=\"clock\">Clock</h2>" +
      figures({drift_chart(quality.at("drift"), pictures.drift_over_s)}, "grid2") + "</section>";
  write_file_atomically(out_html, page(pictures.recording + " - diffverb measurement", body));
}

}  // namespace diffverb::report
