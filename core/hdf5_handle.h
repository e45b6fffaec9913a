#pragma once

#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What core/hdf5_*.cpp share; included by nothing else.
namespace diffverb {

class Hdf5File;

/// Silences HDF5's own printing for this thread; every entry point has one, since error stacks are per thread.
///
/// The library also wants to close at exit what it thinks is open, and crashes on a file whose close has failed (a full
/// disk): all of our identifiers close themselves, so it is told not to.
struct Hdf5Quiet {
  Hdf5Quiet() {
    static const herr_t kNoExitHandler = H5dont_atexit();
    static_cast<void>(kNoExitHandler);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
};

/// An HDF5 identifier that closes itself.
class Hdf5Handle {
 public:
  Hdf5Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

inline herr_t note_innermost(unsigned depth, const H5E_error2_t* error, void* out) {
  if (depth == 0 && error->desc) *static_cast<std::string*>(out) = error->desc;
  return 0;
}

/// What HDF5 says went wrong first, as ": truncated file"; of a failed system call what the system said, as ": No space
/// left on device".
inline std::string hdf5_reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_innermost, &text);
  H5Eclear2(H5E_DEFAULT);
  constexpr std::string_view kSystem = "error message = '";
  if (const auto at = text.find(kSystem); at != std::string::npos) {  // the rest: time, addresses, sizes
    text.erase(0, at + kSystem.size());
    text.resize(std::min(text.find('\''), text.size()));
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "" : ": " + text;
}

template <class T>
hid_t native_type();
template <>
inline hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}

struct Hdf5DataSet {
  Hdf5Handle id;
  Hdf5Handle space;
  std::vector<std::size_t> shape;
};

/// Throws   DataError with the nearest name where it is not in the file, or its shape cannot be
Hdf5DataSet open_hdf5_data_set(const Hdf5File& file, hid_t id, const std::string& name);

/// An empty data set. Contiguous; without times, so that the same contents make the same bytes.
Hdf5Handle create_hdf5_data_set(hid_t file, const std::string& name, hid_t type, const std::vector<std::size_t>& shape);

}  // namespace diffverb
