#include "train/report/parts.h"

#include <cctype>
#include <cstdint>
#include <string_view>

#include "train/report/html.h"
#include "train/report/page_style.h"
#include "train/report/sound_file.h"

namespace diffverb::report {
namespace {

constexpr std::size_t kLogShown = 40000;  // bytes, from the end

/// The block of one channel; the script shows one at a time.
std::string channel_block(std::size_t channel, const std::string& content) {
  return "<div data-channel=\"" + std::to_string(channel) + "\">" + content + "</div>";
}

std::string channel_buttons(std::size_t count) {
  if (count < 2) return "";
  std::string out = "<div class=\"channels\" role=\"group\" aria-label=\"channel\">";
  for (std::size_t c = 0; c < count; ++c) {
    out += "<button type=\"button\" data-channel=\"" + std::to_string(c) + "\" aria-pressed=\"false\">channel " +
           std::to_string(c + 1) + "</button>";
  }
  return out + "</div>";
}

}  // namespace

std::string page(const std::string& title, const std::string& body) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><title>" +
         escape(title) + "</title>\n<style>" + chart_css() + page_css() + "</style></head>\n<body>\n" + body +
         "\n<script>" + page_script() + "</script></body></html>\n";
}

std::string navigation(const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string out = "<nav aria-label=\"sections\">";
  for (const auto& [id, name] : sections) out += "<a href=\"#" + id + "\">" + name + "</a>";
  return out + "</nav>";
}

std::string figures(const std::vector<Chart>& charts, const char* grid) {
  std::string out = std::string("<div class=\"") + grid + "\">";
  for (const Chart& chart : charts) out += "<figure class=\"zoom\">" + render(chart) + "</figure>";
  return out + "</div>";
}

std::string line_key(const std::string& style, const std::string& name) {
  return "<span><svg viewBox=\"0 0 36 12\" aria-hidden=\"true\"><path class=\"curve " + style +
         "\" d=\"M1 6h34\"/></svg>" + name + "</span>";
}

std::string colour_ramp(const std::vector<Colour>& palette, const std::string& low, const std::string& high) {
  std::vector<std::uint8_t> ramp(256);
  for (std::size_t k = 0; k < ramp.size(); ++k) ramp[k] = static_cast<std::uint8_t>(k);
  return "<div class=\"key\"><span>" + low + "<img class=\"scale\" alt=\"colours from low to high\" " +
         "src=\"data:image/png;base64," + base64(encode_png(ramp, 256, 1, palette)) + "\">" + high + "</span></div>";
}

std::string section(const std::string& id, const std::string& title, const std::string& intro, std::size_t channels,
                    const std::function<std::string(std::size_t)>& content) {
  std::string out =
      "<section class=\"scope\"><h2 id=\"" + id + "\">" + title + "</h2>" + intro + channel_buttons(channels);
  for (std::size_t c = 0; c < channels; ++c) out += channel_block(c, content(c));
  return out + "</section>";
}

std::string sound_card(const ListeningCopy& copy, const std::string& pair, const std::string& title, bool flac) {
  std::string out;
  int count = 0;
  for (std::size_t k = 0; k < copy.sounds.size(); ++k) {
    if (copy.sounds[k].pair != pair) continue;
    ++count;
    out += "<label>" + escape(copy.sounds[k].label) + "<audio controls preload=\"metadata\" src=\"data:audio/" +
           (flac ? "flac" : "wav") + ";base64," +
           base64(flac ? encode_sound(copy.sounds[k].audio, copy.gains[k], SoundFormat::kFlac)
                       : wav16(copy.sounds[k].audio, copy.gains[k])) +
           "\"></audio></label>";
  }
  if (count == 0) return "";
  if (count > 1) out += "<button type=\"button\" class=\"ab\">play / switch between the two</button>";
  return "<div class=\"card\"><h3>" + title + "</h3>" + out + "</div>";
}

void add_row(std::string& rows, const std::string& name, const std::string& value) {
  if (!value.empty()) rows += "<dt>" + escape(name) + "</dt><dd>" + escape(value) + "</dd>";
}

std::string missing_box(const std::vector<std::string>& sentences) {
  std::string out;
  for (const std::string& sentence : sentences) out += "<div>" + escape(sentence) + "</div>";
  return out.empty() ? "" : "<div class=\"missing\">" + out + "</div>";
}

std::string config_and_log(const std::string& config_yaml, const std::string& log) {
  std::string out;
  if (!config_yaml.empty()) out += "<h3>config.resolved.yaml</h3><pre>" + escape(config_yaml) + "</pre>";
  if (!log.empty()) {
    const bool cut = log.size() > kLogShown;
    out += "<details><summary>Log" + std::string(cut ? " (its end)" : "") + "</summary><pre>" +
           escape(cut ? log.substr(log.size() - kLogShown) : log) + "</pre></details>";
  }
  return out;
}

std::string with_prefix(std::string html, const std::string& prefix) {
  const std::string mark = " id=\"";
  for (std::size_t at = html.find(mark); at != std::string::npos; at = html.find(mark, at + 1)) {
    html.insert(at + mark.size(), prefix);
  }
  return html;
}

std::string relative_link(const std::filesystem::path& file, const std::filesystem::path& base) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "./";  // so that a colon in a name is not taken for a scheme
  for (const char c : file.lexically_proximate(base).generic_string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("/._-~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace diffverb::report
