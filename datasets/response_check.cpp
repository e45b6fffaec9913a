#include "datasets/response_check.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "core/acoustics/analysis.h"
#include "core/acoustics/preparation.h"
#include "core/acoustics/validate.h"
#include "core/error.h"
#include "core/printed.h"
#include "datasets/duplicates.h"
#include "datasets/response_store.h"
#include "datasets/usable_response.h"

namespace diffverb {
namespace {

std::string number(double value, const char* format = "%.3g") { return printed(format, value); }

/// What one response says of itself.
struct Look {
  std::vector<CheckFinding> findings;
  std::string hash;
  bool silent = false;
  std::vector<float> signature;  // empty where it takes part in no comparison
};

void look_at_samples(const std::vector<float>& samples, const ResponseToCheck& response, const CheckSettings& settings,
                     Look& look) {
  const auto note = [&](const char* kind, const std::string& text) { look.findings.push_back({kind, 0, text, {}}); };
  if (settings.rate_hz && response.rate_hz != *settings.rate_hz)
    note("rate", "sampled at " + number(response.rate_hz, "%g") + " Hz, expected " + number(*settings.rate_hz, "%g"));
  const auto bad = std::find_if(samples.begin(), samples.end(), [](float x) { return !std::isfinite(x); });
  if (bad != samples.end())
    return note("nan", "sample " + std::to_string(bad - samples.begin()) + " is not a finite number");
  look.hash = response.hash.empty() ? hash_of_samples(samples) : response.hash;
  look.silent = std::all_of(samples.begin(), samples.end(), [](float x) { return x == 0; });
  if (look.silent) return note("silent", "all samples are 0");
  const double seconds = static_cast<double>(samples.size()) / response.rate_hz;
  if (seconds < settings.shortest_s)
    return note("short", number(1e3 * seconds) + " ms long, expected at least " + number(1e3 * settings.shortest_s));
  const std::vector<double> channel = acoustics::to_double(samples);
  const double after_onset_s = static_cast<double>(channel.size() - acoustics::find_onset(channel)) / response.rate_hz;
  if (after_onset_s < kShortestResponse_s)
    return note("short", number(1e3 * after_onset_s) + " ms long from its onset on, expected at least " +
                             number(1e3 * kShortestResponse_s));
  look.signature = spectral_signature(samples, response.rate_hz);  // of what is too short much is alike
  constexpr double kShortestForDecay = 0.05;                       // what the measures of decay ask for
  if (seconds < kShortestForDecay) return;
  for (const std::string& warning : acoustics::check_samples({response.rate_hz, {samples}}, ""))
    note("clipped", warning.substr(std::min(warning.size(), warning.find("clipped: ") + 9)));
  const acoustics::DecayCheck decay = acoustics::check_decay(channel, response.rate_hz);
  if (decay.missing) {
    const bool noise = decay.missing->starts_with("more noise");
    return note(noise ? "noise" : "no_decay", *decay.missing);
  }
  if (decay.range_db && *decay.range_db < settings.least_range_db)
    note("noise", "the decay stands only " + number(*decay.range_db) +
                      " dB above its noise (median of the octaves), expected " + number(settings.least_range_db) +
                      " dB");
}

/// action(i) on all processors; `progress` is called from this thread. An exception of an action goes on.
void for_each_parallel(std::size_t count, const std::function<void(std::size_t)>& action,
                       const std::function<void(std::size_t, std::size_t)>& progress = nullptr) {
  std::atomic<std::size_t> next{0}, done{0};
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&](bool reports) {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        action(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next = count;
      }
      ++done;
      if (reports && progress) progress(done, count);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned k = 1; k < std::thread::hardware_concurrency(); ++k) threads.emplace_back(work, false);
  work(true);
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
  if (progress) progress(count, count);
}

std::vector<Look> look_at_all(const std::vector<ResponseToCheck>& responses, const CheckSettings& settings) {
  std::vector<Look> looks(responses.size());
  const auto look = [&](std::size_t i) {
    try {
      look_at_samples(responses[i].read(), responses[i], settings, looks[i]);
    } catch (const DataError& error) {
      looks[i].findings.push_back({"unreadable", 0, error.what(), {}});
    }
  };
  for_each_parallel(responses.size(), look, settings.progress);
  return looks;
}

std::string other_name(const ResponseToCheck& response, const ResponseToCheck& other) {
  return other.file + ", channel " + std::to_string(other.channel + 1) +
         (other.room != response.room ? " of another room, " + other.room : "");
}

void note_duplicates(const std::vector<ResponseToCheck>& responses, const CheckSettings& settings,
                     std::vector<Look>& looks) {
  std::map<std::string, std::size_t> first_with;
  std::vector<std::vector<float>> signatures(responses.size());
  for (std::size_t i = 0; i < looks.size(); ++i) {
    if (looks[i].hash.empty() || looks[i].silent) continue;
    const auto [first, added] = first_with.emplace(looks[i].hash, i);
    if (!added)
      looks[i].findings.push_back(
          {"duplicate", 0, "the same samples as " + other_name(responses[i], responses[first->second]), first->second});
    else
      signatures[i] = std::move(looks[i].signature);
  }
  const std::vector<std::vector<std::size_t>> alike = most_alike(signatures);
  for_each_parallel(responses.size(), [&](std::size_t i) {
    if (alike[i].empty()) return;
    const std::vector<float> samples = responses[i].read();
    for (const std::size_t j : alike[i]) {
      const double correlation =
          largest_correlation(samples, responses[i].rate_hz, responses[j].read(), responses[j].rate_hz);
      if (correlation <= settings.least_correlation) continue;
      const std::string text =
          "correlates " + number(correlation, "%.4f") + " with " + other_name(responses[i], responses[j]);
      looks[i].findings.push_back({"duplicate", 0, text, j});
      return;
    }
  });
}

}  // namespace

std::vector<CheckFinding> check_responses(const std::vector<ResponseToCheck>& responses,
                                          const CheckSettings& settings) {
  std::vector<Look> looks = look_at_all(responses, settings);
  note_duplicates(responses, settings, looks);
  std::vector<CheckFinding> out;
  for (std::size_t i = 0; i < looks.size(); ++i) {
    for (CheckFinding& finding : looks[i].findings) {
      finding.response = i;
      out.push_back(std::move(finding));
    }
  }
  return out;
}

}  // namespace diffverb
