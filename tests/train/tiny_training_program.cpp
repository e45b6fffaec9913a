// `diffverb train` with the tests' own model and data: what tests kill, and start as ranks.
//   train_tiny CONFIG OUT resume|new [key=value]... [pause_ms=N]
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/train/tiny_training.h"
#include "train/stop.h"

using namespace diffverb;

namespace {

/// The tiny data, each example after a pause, so that there is time to kill the run.
class SlowData final : public Dataset {
 public:
  SlowData(std::unique_ptr<Dataset> data, int pause_ms) : data_(std::move(data)), pause_ms_(pause_ms) {}
  void open() override { data_->open(); }
  double sample_rate_hz() const override { return data_->sample_rate_hz(); }
  std::int64_t samples() const override { return data_->samples(); }
  std::int64_t size(Split split) const override { return data_->size(split); }
  at::Tensor example(Split split, std::int64_t index, std::uint64_t seed) const override {
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms_));
    return data_->example(split, index, seed);
  }
  std::string describe(Split split, std::int64_t index) const override { return data_->describe(split, index); }
  std::map<std::string, std::int64_t> licences(Split split) const override { return data_->licences(split); }

 private:
  std::unique_ptr<Dataset> data_;
  int pause_ms_;
};

}  // namespace

int main(int argc, char** argv) {
  TrainOptions options = tiny_options();
  options.config = argv[1];
  options.out = argv[2];
  options.resume = std::string(argv[3]) == "resume";
  int pause_ms = 0;
  for (int i = 4; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("pause_ms=", 0) == 0) {
      pause_ms = std::atoi(argument.c_str() + 9);
    } else {
      options.overlays.push_back(argument);
    }
  }
  if (pause_ms > 0) {
    options.make_data = [pause_ms](Fields& f) {
      return std::make_unique<SlowData>(std::make_unique<TinyData>(f), pause_ms);
    };
  }
  try {
    return train_model(options).training.stopped ? kStoppedExitCode : 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 4;
  }
}
