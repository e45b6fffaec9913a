#pragma once

#include <memory>
#include <string>
#include <vector>

namespace diffverb::hosts {

/// A plug-in as a host holds it, whatever its format. Parameters are known by their symbols.
class HostedPlugin {
 public:
  virtual ~HostedPlugin() = default;
  virtual int inputs() const = 0;
  virtual void activate(double rate_hz, int largest_block) = 0;
  virtual void deactivate() = 0;

  struct Parameter {
    std::string symbol;
    double lowest, highest, initial;
    bool output;
  };
  virtual const std::vector<Parameter>& parameters() const = 0;
  /// Takes effect in the next process(), as automation does.
  virtual void set(int parameter, double value) = 0;
  virtual double get(int parameter) const = 0;

  /// What a session saves, and back; false where the plug-in refuses.
  virtual std::string save() = 0;
  virtual bool restore(const std::string& state) = 0;
  /// The same through streams that take and give at most `part` bytes a call, where the format has streams.
  virtual std::string save_in_parts(std::size_t) { return save(); }
  virtual bool restore_in_parts(const std::string& state, std::size_t) { return restore(state); }
  /// The text under a state key ("model", "preset"), as a host or the interface changes it.
  virtual void set_text(const std::string& key, const std::string& value) = 0;

  virtual void process(const float* const* in, float* const* out, int frames) = 0;

  int find(const std::string& symbol) const {
    const auto& all = parameters();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].symbol == symbol) return static_cast<int>(i);
    }
    return -1;
  }
  void set(const std::string& symbol, double value) { set(find(symbol), value); }
  double get(const std::string& symbol) const { return get(find(symbol)); }
};

std::unique_ptr<HostedPlugin> open_clap(const std::string& file);
std::unique_ptr<HostedPlugin> open_lv2(const std::string& bundle);
std::unique_ptr<HostedPlugin> open_vst3(const std::string& file);

/// Plays `in` [channels][frames] in blocks of `block` and returns the stereo output.
std::vector<std::vector<float>> play(HostedPlugin& plugin, const std::vector<std::vector<float>>& in, int block);

}  // namespace diffverb::hosts
