#include "runtime/response_bank.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "runtime/bank_self_test.h"
#include "runtime/checked_file.h"
#include "runtime/half.h"
#include "runtime/metadata.h"
#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 33;
constexpr const char* kResponseBank = "response_bank";
constexpr const char* kAxes[3] = {"axis_x", "axis_y", "axis_z"};
constexpr int kMaxPoints = 1024, kMaxSamples = 1 << 24;
constexpr double kLargest = 1e6;

std::string check_bank(const ResponseBank& bank) {
  if (!(bank.sample_rate_hz >= 1000 && bank.sample_rate_hz <= 1e6))
    return "the sample rate is " + number_text(bank.sample_rate_hz) + " Hz, expected 1000 to 1000000";
  std::size_t points = 1;
  for (int a = 0; a < 3; ++a) {
    const auto& axis = bank.axes[static_cast<std::size_t>(a)];
    if (axis.empty() || axis.size() > kMaxPoints)
      return std::string("tensor '") + kAxes[a] + "' has " + std::to_string(axis.size()) + " values, expected 1 to " +
             std::to_string(kMaxPoints);
    for (std::size_t i = 0; i < axis.size(); ++i) {
      if (std::abs(axis[i]) <= kLargest && (i == 0 || axis[i] > axis[i - 1])) continue;
      return std::string("tensor '") + kAxes[a] + "': value " + std::to_string(i) + " is not a rising number";
    }
    points *= axis.size();
  }
  if (bank.samples < 1 || bank.samples > kMaxSamples)
    return "a response has " + std::to_string(bank.samples) + " samples, expected 1 to " + std::to_string(kMaxSamples);
  if (bank.responses.size() != points * 2 * static_cast<std::size_t>(bank.samples))
    return "tensor 'responses' has " + std::to_string(bank.responses.size()) + " values, expected " +
           std::to_string(points) + " x 2 x " + std::to_string(bank.samples);
  for (std::size_t i = 0; i < bank.responses.size(); ++i) {
    if (std::abs(bank.responses[i]) <= kLargest) continue;  // false for NaN too
    return "tensor 'responses': value " + std::to_string(i) + " is not a number up to 1e6";
  }
  return check_provenance(bank.provenance);
}

std::string read_bank(const Container& file, ResponseBank& bank) {
  for (const auto& [name, tensor] : file.tensors) {
    if (name != "responses" && std::find(std::begin(kAxes), std::end(kAxes), name) == std::end(kAxes))
      return "the tensor " + in_quotes(name) + " is unknown";
  }
  int sizes[3] = {-1, -1, -1}, two = 2;
  bank.samples = -1;
  std::string error;
  for (std::size_t a = 0; a < 3 && error.empty(); ++a) error = take(file, kAxes[a], "F64", {&sizes[a]}, bank.axes[a]);
  if (!error.empty()) return error;
  const std::vector<int*> extents{&sizes[0], &sizes[1], &sizes[2], &two, &bank.samples};
  const auto responses = file.tensors.find("responses");
  if (responses != file.tensors.end() && responses->second.dtype == "F16") {
    std::vector<std::uint16_t> halves;
    error = take(file, "responses", "F16", extents, halves);
    bank.responses.resize(halves.size());
    std::transform(halves.begin(), halves.end(), bank.responses.begin(), from_half);
  } else {
    error = take(file, "responses", "F32", extents, bank.responses);
  }
  if (error.empty()) error = read_metadata_number(file, "sample_rate_hz", bank.sample_rate_hz);
  if (const std::string* provenance = find_metadata(file, "provenance")) bank.provenance = *provenance;
  return error;
}

BankResult load_checked(std::span<const std::uint8_t> bytes) {
  return read_checked<ResponseBank, BankResult>(bytes, kResponseBank, read_bank, check_bank, run_bank_test);
}

SerializedWeights serialize_checked(const ResponseBank& bank, bool half, const Metadata& extra) {
  if (std::string error = check_bank(bank); !error.empty()) return {{}, error};
  std::vector<int> shape{bank.size(0), bank.size(1), bank.size(2), 2, bank.samples};
  std::map<std::string, Tensor, std::less<>> tensors;
  for (std::size_t a = 0; a < 3; ++a)
    tensors.emplace(kAxes[a], view(bank.axes[a], "F64", {bank.size(static_cast<int>(a))}));
  Metadata metadata{{"format", kFormat},
                    {"version", kVersion},
                    {"kind", kResponseBank},
                    {"sample_rate_hz", number_text(bank.sample_rate_hz)},
                    {"provenance", bank.provenance},
                    {"sha256", ""}};
  std::vector<std::uint16_t> halves;
  if (half) {
    // The self-test is of what is written: the rounded responses.
    ResponseBank rounded = bank;
    halves.resize(bank.responses.size());
    std::transform(bank.responses.begin(), bank.responses.end(), halves.begin(), to_half);
    std::transform(halves.begin(), halves.end(), rounded.responses.begin(), from_half);
    tensors.emplace("responses", view(halves, "F16", shape));
    metadata.emplace("self_test", make_bank_test(rounded));
  } else {
    tensors.emplace("responses", view(bank.responses, "F32", shape));
    metadata.emplace("self_test", make_bank_test(bank));
  }
  return serialize_loadable(tensors, std::move(metadata), extra, load_checked);
}

}  // namespace

std::span<const float> ResponseBank::response(int i, int j, int k, int channel) const {
  const auto row = ((static_cast<std::size_t>(i) * axes[1].size() + static_cast<std::size_t>(j)) * axes[2].size() +
                    static_cast<std::size_t>(k)) *
                       2 +
                   static_cast<std::size_t>(channel);
  return std::span(responses).subspan(row * static_cast<std::size_t>(samples), static_cast<std::size_t>(samples));
}

BankResult load_bank(std::span<const std::uint8_t> bytes) {
  return load_guarded<BankResult>([&] { return load_checked(bytes); });
}

BankResult load_bank(const std::filesystem::path& path) {
  return load_guarded<BankResult>(path, kMaxFileBytes, load_checked);
}

SerializedWeights serialize_bank(const ResponseBank& bank, bool half, const Metadata& metadata) {
  try {
    return serialize_checked(bank, half, metadata);
  } catch (const std::exception& error) {
    return {{}, std::string("cannot be serialised: ") + error.what()};
  }
}

std::string write_bank(const std::filesystem::path& path, const ResponseBank& bank, bool half,
                       const Metadata& metadata) {
  try {
    const SerializedWeights file = serialize_bank(bank, half, metadata);
    return file.error.empty() ? write_file_atomically(path, file.bytes) : file.error;
  } catch (const std::exception& error) {
    return std::string("cannot be written: ") + error.what();
  }
}

StereoResponse response_at(const ResponseBank& bank, const std::array<double, 3>& point) {
  StereoResponse result;
  int low[3];
  double part[3];
  for (int a = 0; a < 3; ++a) {
    const double at = point[static_cast<std::size_t>(a)];
    if (!(at >= 0 && at <= bank.size(a) - 1)) {
      result.error = std::string("coordinate ") + "xyz"[a] + " is " + number_text(at) + ", expected 0 to " +
                     std::to_string(bank.size(a) - 1);
      return result;
    }
    low[a] = std::min(static_cast<int>(at), std::max(0, bank.size(a) - 2));
    part[a] = at - low[a];
  }
  for (auto& channel : result.channels) channel.assign(static_cast<std::size_t>(bank.samples), 0.0f);
  double power = 0;
  const auto for_corners = [&](const auto& visit) {
    for (int corner = 0; corner < 8; ++corner) {
      double weight = 1;
      for (int a = 0; a < 3; ++a) weight *= (corner >> a & 1) != 0 ? part[a] : 1 - part[a];
      if (weight > 0) visit(low[0] + (corner & 1), low[1] + (corner >> 1 & 1), low[2] + (corner >> 2 & 1), weight);
    }
  };
  for_corners([&](int, int, int, double weight) { power += weight * weight; });
  for_corners([&](int i, int j, int k, double weight) {
    const auto gain = static_cast<float>(weight / std::sqrt(power));
    for (int c = 0; c < 2; ++c) {
      const auto from = bank.response(i, j, k, c);
      auto& to = result.channels[static_cast<std::size_t>(c)];
      for (std::size_t n = 0; n < to.size(); ++n) to[n] += gain * from[n];
    }
  });
  return result;
}

}  // namespace diffverb::runtime
