#include "datasets/sofa.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "core/printed.h"

namespace diffverb {
namespace {

constexpr double kLongestDelaySeconds = 10;

std::string text_of(const Hdf5File& file, const std::string& object, const std::string& name) {
  return file.has_attribute(object, name) ? file.string_attribute(object, name) : "";
}

bool begins_with(const std::string& text, std::string_view beginning) {
  return lower_case(text).starts_with(beginning);
}

SofaFile::Position to_cartesian(const double* spherical) {
  constexpr double kRadians = std::numbers::pi / 180;
  const double azimuth = spherical[0] * kRadians, elevation = spherical[1] * kRadians, radius = spherical[2];
  return {radius * std::cos(elevation) * std::cos(azimuth), radius * std::cos(elevation) * std::sin(azimuth),
          radius * std::sin(elevation)};
}

SofaFile::Position sum(const SofaFile::Position& a, const SofaFile::Position& b) {
  return {a[0] + b[0], a[1] + b[1], a[2] + b[2]};
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string out;
  for (const std::size_t length : shape) out += (out.empty() ? "" : ", ") + std::to_string(length);
  return "[" + out + "]";
}

/// "1" or "1 or 3".
std::string one_or(std::size_t length) { return length == 1 ? "1" : "1 or " + std::to_string(length); }

}  // namespace

SofaFile::SofaFile(std::unique_ptr<Hdf5File> file) : file_(std::move(file)) {}
SofaFile::SofaFile(SofaFile&&) noexcept = default;
SofaFile::~SofaFile() = default;

const std::filesystem::path& SofaFile::path() const { return file_->path(); }

SofaFile SofaFile::open(const std::filesystem::path& path) {
  SofaFile sofa(std::make_unique<Hdf5File>(Hdf5File::open(path)));
  const Hdf5File& file = *sofa.file_;
  if (text_of(file, "/", "Conventions") != "SOFA")
    throw DataError(path.string() + ": an HDF5 file, but not a SOFA file: its attribute 'Conventions' is not 'SOFA'");
  const std::string type = text_of(file, "/", "DataType");
  if (type != "FIR" && type != "FIR-E" && type != "FIRE")
    throw DataError(path.string() + ": SOFA data of type '" + type +
                    "', expected impulse responses (FIR, FIR-E or FIRE)");
  sofa.convention_ = text_of(file, "/", "SOFAConventions");
  sofa.licence_ = text_of(file, "/", "License");
  sofa.title_ = text_of(file, "/", "Title");
  sofa.read_shape(type);
  sofa.read_rate();
  sofa.read_delays();
  sofa.sources_ = sofa.read_positions("SourcePosition", sofa.measurements_);
  sofa.listeners_ = sofa.read_positions("ListenerPosition", sofa.measurements_);
  if (sofa.emitters_ > 1) sofa.emitter_offsets_ = sofa.read_positions("EmitterPosition", sofa.emitters_);
  return sofa;
}

/// Whether Data.Delay or EmitterPosition has so many.
bool SofaFile::says_emitters(std::size_t count) const {
  const auto length_of = [&](const std::string& name, std::size_t axis) -> std::size_t {
    if (!file_->has(name)) return 0;
    const std::vector<std::size_t> shape = file_->shape(name);
    return axis < shape.size() ? shape[axis] : 0;
  };
  return length_of("Data.Delay", 2) == count || length_of("EmitterPosition", 0) == count;
}

void SofaFile::read_shape(const std::string& data_type) {
  const std::vector<std::size_t> shape = file_->shape("Data.IR");
  const bool whole = std::all_of(shape.begin(), shape.end(), [](std::size_t length) { return length > 0; });
  if ((shape.size() != 3 && shape.size() != 4) || !whole)
    throw DataError(path().string() + ": data set 'Data.IR' is " + shape_text(shape) +
                    ", expected [M, R, N], or with emitters [M, R, N, E] (FIR-E) or [M, R, E, N] (FIRE), none of 0");
  measurements_ = shape[0];
  receivers_ = shape[1];
  samples_ = shape[2];
  if (shape.size() == 3) return;
  emitters_before_samples_ = data_type == "FIRE";
  emitters_ = shape[3];
  if (emitters_before_samples_) std::swap(samples_, emitters_);
  if (samples_ < emitters_ && says_emitters(samples_) && !says_emitters(emitters_)) {
    emitters_before_samples_ = !emitters_before_samples_;
    std::swap(samples_, emitters_);
  }
}

void SofaFile::read_rate() {
  const std::string unit = text_of(*file_, "Data.SamplingRate", "Units");
  if (!unit.empty() && !begins_with(unit, "hertz") && !begins_with(unit, "hz"))
    throw DataError(path().string() + ": data set 'Data.SamplingRate' is in '" + unit + "', expected hertz");
  const std::vector<double> rates = file_->read<double>("Data.SamplingRate");
  if (rates.empty() || std::any_of(rates.begin(), rates.end(), [&](double rate) { return rate != rates[0]; }))
    throw DataError(path().string() + ": data set 'Data.SamplingRate' must hold one rate for all measurements");
  rate_hz_ = rates[0];
  if (!(rate_hz_ >= kLeastRateHz) || rate_hz_ > 1e6)
    throw DataError(path().string() + ": sampled at " + std::to_string(rate_hz_) + " Hz, expected " +
                    std::to_string(static_cast<int>(kLeastRateHz)) + " to 1000000 Hz");
}

void SofaFile::read_delays() {
  if (!file_->has("Data.Delay")) return;
  const std::vector<std::size_t> shape = file_->shape("Data.Delay");
  const bool rows_fit = shape.size() >= 2 && (shape[0] == 1 || shape[0] == measurements_) && shape[1] == receivers_;
  const bool emitters_fit = shape.size() == 2 || (shape.size() == 3 && (shape[2] == 1 || shape[2] == emitters_));
  if (!rows_fit || !emitters_fit)
    throw DataError(path().string() + ": data set 'Data.Delay' does not go with 'Data.IR': is " + shape_text(shape) +
                    ", expected [M, R, E] = [" + one_or(measurements_) + ", " + std::to_string(receivers_) + ", " +
                    one_or(emitters_) + "] or without E");
  delays_samples_ = file_->read<double>("Data.Delay");
  delay_rows_ = shape[0];
  delay_emitters_ = shape.size() == 3 ? shape[2] : 1;
  for (const double delay : delays_samples_) {
    if (!(delay >= 0) || delay > kLongestDelaySeconds * rate_hz_)
      throw DataError(path().string() + ": data set 'Data.Delay' holds " + std::to_string(delay) +
                      " samples, expected 0 to " + std::to_string(static_cast<int>(kLongestDelaySeconds)) + " s");
  }
}

std::vector<SofaFile::Position> SofaFile::read_positions(const std::string& name, std::size_t first_axis) const {
  if (!file_->has(name)) return {};
  const std::vector<std::size_t> shape = file_->shape(name);
  if (shape.size() < 2 || shape[1] != 3 || (shape[0] != 1 && shape[0] != first_axis))
    throw DataError(path().string() + ": data set '" + name + "' must be [1 or " + std::to_string(first_axis) + ", 3]");
  const std::vector<double> values = file_->read<double>(name);
  const std::size_t stride = values.size() / (shape[0] * 3);  // a third axis: the same place in every measurement
  const bool spherical = begins_with(text_of(*file_, name, "Type"), "spherical");
  std::vector<Position> positions;
  for (std::size_t i = 0; i < shape[0]; ++i) {
    Position p;
    for (std::size_t axis = 0; axis < 3; ++axis) p[axis] = values[(i * 3 + axis) * stride];
    if (!std::all_of(p.begin(), p.end(), [](double x) { return std::isfinite(x); })) return {};  // not known
    positions.push_back(spherical ? to_cartesian(p.data()) : p);
  }
  return positions;
}

const std::vector<float>& SofaFile::rows_of(std::size_t measurement) const {
  if (last_measurement_ != measurement) {
    last_measurement_.reset();
    last_rows_ = file_->read_rows<float>("Data.IR", measurement, 1);
    last_measurement_ = measurement;
  }
  return last_rows_;
}

Audio SofaFile::read(std::size_t index) const {
  if (index >= size())
    throw DataError(path().string() + ": response " + std::to_string(index) + " asked for, it has 0 to " +
                    std::to_string(size() - 1));
  const std::size_t measurement = index / emitters_, emitter = index % emitters_;
  const std::vector<float>& rows = rows_of(measurement);
  Audio audio;
  audio.rate_hz = rate_hz_;
  std::size_t longest = 0;
  for (std::size_t r = 0; r < receivers_; ++r) {
    std::size_t delay = 0;
    if (!delays_samples_.empty()) {
      const std::size_t row = delay_rows_ == 1 ? 0 : measurement;
      const std::size_t column = delay_emitters_ == 1 ? 0 : emitter;
      delay = static_cast<std::size_t>(std::lround(delays_samples_[(row * receivers_ + r) * delay_emitters_ + column]));
    }
    std::vector<float> channel(delay, 0.0f);
    for (std::size_t n = 0; n < samples_; ++n) {
      const float value = rows[emitters_before_samples_ ? (r * emitters_ + emitter) * samples_ + n
                                                        : (r * samples_ + n) * emitters_ + emitter];
      if (!std::isfinite(value))
        throw DataError(path().string() + ": response " + std::to_string(index) + ", receiver " +
                        std::to_string(r + 1) + ", sample " + std::to_string(n) + " is not a finite number");
      channel.push_back(value);
    }
    longest = std::max(longest, channel.size());
    audio.channels.push_back(std::move(channel));
  }
  for (auto& channel : audio.channels) channel.resize(longest, 0.0f);
  return audio;
}

std::optional<SofaFile::Position> SofaFile::source_m(std::size_t index) const {
  if (sources_.empty()) return std::nullopt;
  Position position = sources_.size() == 1 ? sources_[0] : sources_[index / emitters_];
  if (!emitter_offsets_.empty())
    position = sum(position, emitter_offsets_.size() == 1 ? emitter_offsets_[0] : emitter_offsets_[index % emitters_]);
  return position;
}

std::optional<SofaFile::Position> SofaFile::listener_m(std::size_t index) const {
  if (listeners_.empty()) return std::nullopt;
  return listeners_.size() == 1 ? listeners_[0] : listeners_[index / emitters_];
}

}  // namespace diffverb
