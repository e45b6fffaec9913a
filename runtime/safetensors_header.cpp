#include "runtime/safetensors_header.h"

#include <nlohmann/json.hpp>
#include <set>

namespace diffverb::runtime {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxTensors = 4096;
constexpr std::size_t kMaxAxes = 16;

/// Events of the JSON parser -> entries. Depth 1 is the header, 2 a tensor or the metadata, 3 a list in a tensor.
class HeaderReader final : public nlohmann::json_sax<json> {
 public:
  HeaderReader(std::vector<HeaderEntry>& entries, std::map<std::string, std::string, std::less<>>& metadata)
      : entries_(entries), metadata_(metadata) {}

  std::string error;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a number that is not whole"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3) return unexpected("a number");
    if (list_.size() >= kMaxAxes) return refuse("'" + key_ + "' of tensor '" + name_ + "' is too long");
    list_.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) {
      metadata_[key_] = value;
      return true;
    }
    if (depth_ != 2 || key_ != "dtype") return unexpected("a text");
    entries_.back().dtype = value;
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ >= 2) return unexpected("an object");
    if (depth_ == 1) {
      in_metadata_ = name_ == "__metadata__";
      if (!in_metadata_) {
        if (entries_.size() >= kMaxTensors) return refuse("more than " + std::to_string(kMaxTensors) + " tensors");
        entries_.push_back({name_});
      }
      keys_.clear();
    }
    ++depth_;
    return true;
  }

  bool key(string_t& value) override {
    std::set<std::string>& seen = depth_ == 1 ? names_ : keys_;
    if (!seen.insert(value).second) return refuse("'" + value.substr(0, 40) + "' stands there twice");
    if (depth_ == 1) {
      name_ = value;
    } else {
      key_ = value;
      if (!in_metadata_ && value != "dtype" && value != "shape" && value != "data_offsets") {
        return refuse("tensor '" + name_.substr(0, 40) + "' has the unknown key '" + value.substr(0, 40) + "'");
      }
    }
    return true;
  }

  bool end_object() override {
    if (depth_ == 2 && !in_metadata_ && keys_.size() != 3) {
      return refuse("tensor '" + name_.substr(0, 40) + "' needs dtype, shape and data_offsets");
    }
    --depth_;
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || key_ == "dtype") return unexpected("a list");
    list_.clear();
    ++depth_;
    return true;
  }

  bool end_array() override {
    --depth_;
    if (key_ == "shape") {
      entries_.back().shape = list_;
    } else if (list_.size() == 2) {
      entries_.back().begin = list_[0];
      entries_.back().end = list_[1];
    } else {
      return refuse("data_offsets of tensor '" + name_.substr(0, 40) + "' are not two");
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("not JSON at byte " + std::to_string(position));
  }

 private:
  bool refuse(std::string reason) {
    error = std::move(reason);
    return false;
  }
  bool unexpected(const char* what) {
    const std::string where = depth_ == 0 ? "at the top" : "in '" + name_.substr(0, 40) + "'";
    return refuse(std::string(what) + " " + where + " where none belongs");
  }

  std::vector<HeaderEntry>& entries_;
  std::map<std::string, std::string, std::less<>>& metadata_;
  int depth_ = 0;
  bool in_metadata_ = false;
  std::string name_, key_;
  std::set<std::string> names_, keys_;
  std::vector<std::uint64_t> list_;
};

}  // namespace

std::string parse_header(std::string_view text, std::vector<HeaderEntry>& entries,
                         std::map<std::string, std::string, std::less<>>& metadata) {
  if (text.empty() || text.front() != '{') return "not a JSON object";
  HeaderReader reader(entries, metadata);
  if (!json::sax_parse(text.begin(), text.end(), &reader) && reader.error.empty()) reader.error = "not JSON";
  return reader.error;
}

std::string format_header(const std::vector<HeaderEntry>& entries,
                          const std::map<std::string, std::string, std::less<>>& metadata) {
  json header = json::object();
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  for (const HeaderEntry& entry : entries) {
    header[entry.name] = {{"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  }
  return header.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace diffverb::runtime
