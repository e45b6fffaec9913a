#include "datasets/measure/sweep.h"

#include <ATen/ops/zeros.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/audio_file.h"
#include "core/error.h"
#include "core/files.h"
#include "core/printed.h"
#include "datasets/measure/excitation.h"

namespace diffverb {
namespace {

constexpr double kLead_s = 1, kPilot_s = 0.1;
constexpr double kLongest_s = 600;  // of the whole sound
constexpr const char* kFormat = "diffverb sweep 1";

void expect(bool good, const std::string& name, double value, const std::string& expected) {
  if (!good) throw ConfigError("sweep: " + name + " is " + printed("%g", value) + ", expected " + expected);
}

}  // namespace

void Sweep::check() const {
  if (type != "ess" && type != "tsp" && type != "mls")
    throw ConfigError("sweep: type is " + type + ", expected ess, tsp or mls");
  expect(rate_hz >= kLeastRateHz && rate_hz <= 1e6 && rate_hz == std::round(rate_hz), "rate_hz", rate_hz,
         "a whole number from 8000 to 1000000");
  expect(seconds >= 0.1 && seconds <= 120, "seconds", seconds, "0.1 to 120");
  expect(low_hz >= 1 && low_hz < high_hz, "low end of range_hz", low_hz, "1 or more and below the high end");
  expect(high_hz <= 0.49 * rate_hz, "high end of range_hz", high_hz,
         "at most " + printed("%g", 0.49 * rate_hz) + " at this rate");
  expect(high_hz >= 2 * low_hz, "high end of range_hz", high_hz, "an octave above the low end or more");
  expect(seconds * low_hz >= 2 * std::log(high_hz / low_hz), "seconds", seconds,
         "two periods of the low end for each e-fold of the range: " +
             printed("%.2g", 2 * std::log(high_hz / low_hz) / low_hz) + " or more");
  expect(fade_ms >= 0 && fade_ms <= 250 * seconds, "fade_ms", fade_ms, "0 to a quarter of the sweep");
  expect(gap_s >= 0.05 && gap_s <= 60, "gap_s", gap_s, "0.05 to 60");
  expect(level_dbfs >= -80 && level_dbfs <= 0, "level_dbfs", level_dbfs, "-80 to 0");
  expect(repeat >= 1 && repeat <= 100, "repeat", static_cast<double>(repeat), "1 to 100");
  const double whole_s = (seconds + gap_s) * static_cast<double>(repeat + 1);
  expect(whole_s <= kLongest_s, "length of all repetitions in seconds", whole_s, "600 or less");
  if (periodic()) {
    expect(sequence_order(rate_hz, seconds) <= 24, "seconds", seconds, "2^24 samples or less");
    expect(gap_s <= seconds, "gap_s", gap_s,
           "no more than one period of an mls, which is as long as a response can be");
  }
}

at::Tensor Sweep::excitation() const {
  const double gain = std::pow(10.0, level_dbfs / 20);
  if (type == "mls") return gain * maximum_length_sequence(sequence_order(rate_hz, seconds));
  const auto make = type == "ess" ? exponential_sweep : time_stretched_pulse;
  return gain * make(rate_hz, seconds, low_hz, high_hz, fade_ms / 1000);
}

at::Tensor Sweep::pilot() const {
  return std::pow(10.0, level_dbfs / 20) * pilot_chirp(rate_hz, kPilot_s, std::max(low_hz, high_hz / 16), high_hz / 2);
}

at::Tensor Sweep::sound() const {
  const SweepLayout at_(*this);
  auto out = at::zeros({at_.samples}, at::kDouble);
  const auto put = [&out](std::int64_t start, const at::Tensor& part) {
    out.slice(0, start, start + part.size(0)).copy_(part);
  };
  const auto once = excitation();
  const std::int64_t first = periodic() ? at_.first - at_.period : at_.first;
  for (std::int64_t start = first; start < at_.played; start += at_.spacing) put(start, once);
  if (pilots) {
    put(at_.first_pilot, pilot());
    put(at_.last_pilot, pilot());
  }
  return out;
}

SweepLayout::SweepLayout(const Sweep& sweep) {
  const auto in_samples = [&](double seconds) {
    return static_cast<std::int64_t>(std::llround(seconds * sweep.rate_hz));
  };
  lead = in_samples(kLead_s);
  pilot = sweep.pilots ? in_samples(kPilot_s) : 0;
  gap = in_samples(sweep.gap_s);
  period = sweep.excitation().size(0);
  spacing = sweep.periodic() ? period : period + gap;
  first_pilot = sweep.pilots ? lead : -1;
  first = lead + (sweep.pilots ? pilot + gap : 0) + (sweep.periodic() ? period : 0);
  played = first + (sweep.repeat - 1) * spacing + period;
  last_pilot = sweep.pilots ? played + gap : -1;
  samples = played + gap + (sweep.pilots ? pilot + gap : 0);
}

std::string sweep_json(const Sweep& s) {
  const SweepLayout layout(s);
  const auto in_seconds = [&](std::int64_t samples) { return static_cast<double>(samples) / s.rate_hz; };
  const nlohmann::ordered_json out = {{"format", kFormat},
                                      {"type", s.type},
                                      {"rate_hz", s.rate_hz},
                                      {"seconds", s.seconds},
                                      {"range_hz", {s.low_hz, s.high_hz}},
                                      {"fade_ms", s.fade_ms},
                                      {"gap_s", s.gap_s},
                                      {"level_dbfs", s.level_dbfs},
                                      {"repeat", s.repeat},
                                      {"pilots", s.pilots},
                                      {"first_repetition_s", in_seconds(layout.first)},
                                      {"repetition_s", in_seconds(layout.period)},
                                      {"from_one_to_the_next_s", in_seconds(layout.spacing)},
                                      {"whole_s", in_seconds(layout.samples)}};
  return out.dump(2) + "\n";
}

Sweep read_sweep(const std::filesystem::path& path) {
  const std::string expected = ": not what diffverb data sweep writes";
  Sweep s;
  try {
    const auto in = nlohmann::json::parse(read_file(path, std::size_t{1} << 20), nullptr, false);
    if (in.is_discarded()) throw DataError(path.string() + expected + ": not JSON");
    if (!in.is_object() || in.value("format", "") != kFormat)
      throw DataError(path.string() + expected + ": \"format\" is not \"" + kFormat + "\"");
    s.type = in.at("type");
    s.rate_hz = in.at("rate_hz");
    s.seconds = in.at("seconds");
    s.low_hz = in.at("range_hz").at(0);
    s.high_hz = in.at("range_hz").at(1);
    s.fade_ms = in.at("fade_ms");
    s.gap_s = in.at("gap_s");
    s.level_dbfs = in.at("level_dbfs");
    s.repeat = in.at("repeat");
    s.pilots = in.at("pilots");
    s.check();
  } catch (const nlohmann::json::exception& error) {
    const std::string why = error.what();  // "[json.exception.out_of_range.403] key 'type' not found"
    const std::size_t id = why.find("] ");
    throw DataError(path.string() + expected + ": " + (id == std::string::npos ? why : why.substr(id + 2)));
  } catch (const ConfigError& error) {
    throw DataError(path.string() + ": " + error.what());
  }
  return s;
}

}  // namespace diffverb
