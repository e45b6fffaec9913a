#include "train/report/explorer/explorer_page.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "train/report/charts.h"
#include "train/report/html.h"
#include "train/report/page_style.h"
#include "train/report/png.h"

namespace diffverb::report {

// Of explorer.js and explorer.css, by CMakeLists.txt.
const char* explorer_script();
const char* explorer_css();

namespace {

using nlohmann::json;

double rounded(double value, double step) { return std::round(value / step) * step; }

/// Text of JSON that may stand inside a <script> element.
std::string script_safe(const json& value) {
  std::string out;
  for (const char c : value.dump(-1, ' ', true, json::error_handler_t::replace)) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
  return out;
}

std::string bank_json(const ExplorerPage& page) {
  json gains = json::array(), times = json::array(), palette = json::array();
  for (const PointFacts& point : page.points) {
    gains.push_back(rounded(point.gain_db, 0.001));
    times.push_back(rounded(point.t_s, 0.0001));
  }
  for (const Colour& colour : viridis()) {
    for (const std::uint8_t part : colour) palette.push_back(part);
  }
  return script_safe({{"rate", page.bank->sample_rate_hz},
                      {"axes", page.bank->axes},
                      {"file", page.bank_file},
                      {"gain_db", gains},
                      {"t_s", times},
                      {"palette", palette},
                      {"dry", base64(page.dry_sound)},
                      {"dry_name", "strings, a snare drum, a click"}});
}

std::string slider(const std::string& id, const std::string& label, const std::string& range, const std::string& help) {
  return "<div class=\"slider\" title=\"" + help + "\"><label for=\"" + id + "\">" + label +
         "</label><input type=\"range\" id=\"" + id + "\" " + range + "><output id=\"" + id + "-value\" for=\"" + id +
         "\"></output></div>";
}

std::string controls() {
  return "<div class=\"panel\"><h2>Listen</h2><div class=\"row\"><button type=\"button\" id=\"play\">Play</button>"
         "<label><input type=\"checkbox\" id=\"loop\" checked> again and again</label></div>"
         "<div class=\"row\"><span class=\"soft\">through the room:</span> <b id=\"dry-name\"></b></div>"
         "<div class=\"row\"><span class=\"pick\"><span>a file of yours …</span><input type=\"file\" id=\"file\" "
         "accept=\"audio/*\" aria-label=\"a dry sound of your own\"></span><button type=\"button\" id=\"own\">the "
         "built-in sound</button></div>" +
         slider("wet", "Room", "min=\"0\" max=\"1\" step=\"0.01\"", "from the dry sound alone to the room alone") +
         slider("volume", "Volume", "min=\"0\" max=\"1\" step=\"0.01\"", "of all") +
         "<div id=\"status\" role=\"status\"></div></div>";
}

std::string place() {
  return "<div class=\"panel\"><h2>Point of the latent space</h2>" + slider("x", "x", "", "first latent coordinate") +
         slider("y", "y", "", "second latent coordinate") + slider("z", "z", "", "third latent coordinate") +
         "<div class=\"row\"><button type=\"button\" id=\"random\">anywhere</button></div>" +
         slider("width", "Width", "min=\"0\" max=\"1\" step=\"any\"",
                "how far away the point is that the right ear hears") +
         "<div class=\"row\" role=\"group\" aria-label=\"ears\"><button type=\"button\" id=\"ears-stereo\">left and "
         "right</button><button type=\"button\" id=\"ears-left\">left alone</button><button type=\"button\" "
         "id=\"ears-right\">right alone</button></div>"
         "<p><small>Coherence of the ears: <b id=\"coherence\"></b></small></p></div>"
         "<div class=\"panel\"><h2>Decay time over x and y</h2><canvas id=\"map\" role=\"img\" aria-label=\"decay time "
         "over x and y; click to go there\"></canvas><div class=\"row\"><small id=\"map-low\"></small><canvas "
         "class=\"bar\" id=\"map-scale\"></canvas><small id=\"map-high\"></small></div>"
         "<p><small>At the chosen z. Click or drag to go there.</small></p></div>";
}

std::string pictures() {
  return "<div class=\"panel\"><h2>Decay</h2><div class=\"key\"><span><i style=\"border-color:var(--ink)\"></i>all "
         "bands, "
         "left</span><span><i style=\"border-color:var(--ink);border-top-style:dashed\"></i>all bands, right</span>"
         "<span><i style=\"border-color:var(--r1)\"></i>250 Hz</span><span><i style=\"border-color:var(--r0)\"></i>1 "
         "kHz"
         "</span><span><i style=\"border-color:var(--r2)\"></i>4 kHz</span></div>"
         "<canvas id=\"decay\" role=\"img\" aria-label=\"energy still to come over time\"></canvas></div>"
         "<div class=\"pictures\"><div class=\"panel\"><h2>Left</h2><canvas class=\"picture\" id=\"picture-left\" "
         "role=\"img\" aria-label=\"spectrogram, left\"></canvas></div><div class=\"panel\"><h2>Right</h2><canvas "
         "class=\"picture\" id=\"picture-right\" role=\"img\" aria-label=\"spectrogram, right\"></canvas></div></div>"
         "<div class=\"pictures\"><div class=\"panel\"><h2>Reverberation time (T20)</h2><table class=\"times\"><thead>"
         "<tr><th>octave</th><th>left</th><th>right</th></tr></thead><tbody id=\"figures\"></tbody></table></div>"
         "<div class=\"panel\"><h2>Take it along</h2><div class=\"row\"><button type=\"button\" id=\"save\">save this "
         "response as WAV</button></div><p><small>Or play it with the runtime, coordinates in steps of the "
         "grid:</small>"
         "</p><code id=\"command\"></code></div></div>";
}

/// Where the bank comes from, as its file says.
std::string provenance(const runtime::ResponseBank& bank) {
  const json text = json::parse(bank.provenance, nullptr, false);
  std::string rows;
  if (text.is_object()) {
    for (const auto& [key, value] : text.items()) {
      std::string shown =
          value.is_string() ? value.get<std::string>() : value.dump(1, ' ', false, json::error_handler_t::replace);
      if (shown.empty()) continue;
      const bool is_long = shown.size() > 160;
      rows +=
          "<dt>" + escape(key) + "</dt><dd>" + (is_long ? "<pre>" + escape(shown) + "</pre>" : escape(shown)) + "</dd>";
    }
  }
  return rows.empty() ? ""
                      : "<details><summary>Where these responses come from</summary><dl>" + rows + "</dl></details>";
}

}  // namespace

std::string explorer_page(const ExplorerPage& page) {
  const runtime::ResponseBank& bank = *page.bank;
  const std::string name = escape(page.bank_file);
  const std::string grid =
      std::to_string(bank.size(0)) + " × " + std::to_string(bank.size(1)) + " × " + std::to_string(bank.size(2));
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">"
         "<meta name=\"generator\" content=\"diffverb explore\"><title>" +
         name + " - diffverb explore</title>\n<style>" + chart_css() + page_css() + explorer_css() +
         "</style></head>\n<body><h1>Rooms of " + name + "</h1><p class=\"sub\">" + grid +
         " points, left and right · " + band_name(bank.sample_rate_hz) + " · up to " +
         number(static_cast<double>(bank.samples) / bank.sample_rate_hz, 1) +
         " s · sounds: " + number(page.sounds_mb, 1) + " MB, loaded when they are wanted</p><main><div>" + controls() +
         place() + "</div><div>" + pictures() + "</div></main>" + provenance(bank) +
         "<noscript><p class=\"missing\">This page plays through a script, which is switched off.</p></noscript>"
         "<script>var BANK=" +
         bank_json(page) + ";</script>\n<script>" + explorer_script() + "</script></body></html>\n";
}

}  // namespace diffverb::report
