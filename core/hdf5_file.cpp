#include "core/hdf5_file.h"

#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/hdf5_handle.h"
#include "core/nearest.h"

namespace diffverb {
namespace {

constexpr std::size_t kMostElements = std::size_t{1} << 34;  // beyond that a shape is damaged, not large
constexpr int kMostAxes = 32;

std::string shape_text(const std::vector<std::size_t>& shape) {
  std::string out;
  for (const std::size_t length : shape)
    out += (out.empty() ? "" : ", ") + (length ? std::to_string(length) : std::string("any"));
  return "[" + out + "]";
}

std::size_t element_count(const std::vector<std::size_t>& shape) {
  std::size_t count = 1;
  for (const std::size_t length : shape) {
    if (length && count > kMostElements / length) return kMostElements + 1;
    count *= length;
  }
  return count;
}

}  // namespace

Hdf5File::Hdf5File(std::filesystem::path path, std::filesystem::path temporary, std::int64_t id)
    : path_(std::move(path)), temporary_(std::move(temporary)), id_(id) {}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      id_(std::exchange(other.id_, -1)) {}

namespace {

/// HDF5's reason, in plain words where it is the common one.
std::string why_not_opened(const std::string& reason) {
  unsigned long long bytes = 0, base = 0, expected = 0;
  const auto at = reason.find("truncated file");
  if (at != std::string::npos &&
      std::sscanf(reason.c_str() + at, "truncated file: eof = %llu, sblock->base_addr = %llu, stored_eof = %llu",
                  &bytes, &base, &expected) == 3)
    return "truncated: the file has " + std::to_string(bytes) + " bytes of " + std::to_string(base + expected);
  return "HDF5 file cannot be opened" + reason;
}

}  // namespace

Hdf5File Hdf5File::open(const std::filesystem::path& path) {
  const Hdf5Quiet quiet;
  check_readable_file(path, "an HDF5 file");
  if (H5Fis_hdf5(path.c_str()) <= 0) throw DataError(path.string() + ": not an HDF5 file");
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access.get(), false, true);  // network file systems often cannot lock; we only read
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get());
  if (id < 0) throw DataError(path.string() + ": " + why_not_opened(hdf5_reason()));
  return Hdf5File(path, "", id);
}

Hdf5File Hdf5File::create(const std::filesystem::path& path) {
  const Hdf5Quiet quiet;
  if (is_device(path)) throw DataError(path.string() + ": is not a regular file, expected a file to write");
  const std::filesystem::path temporary = temporary_beside(path);
  const hid_t id = H5Fcreate(temporary.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) {
    const std::string why = hdf5_reason();
    ::unlink(temporary.c_str());  // a full disk: made, but not a byte of it could be written
    throw DataError(path.string() + ": cannot be written" + why);
  }
  return Hdf5File(path, temporary, id);
}

Hdf5File::~Hdf5File() {
  const Hdf5Quiet quiet;
  if (id_ >= 0) H5Fclose(id_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void Hdf5File::commit() {
  const Hdf5Quiet quiet;
  check_writable();
  const bool flushed = H5Fflush(id_, H5F_SCOPE_LOCAL) >= 0;
  std::string why = flushed ? "" : hdf5_reason();
  const bool closed = H5Fclose(std::exchange(id_, -1)) >= 0;
  if (flushed && !closed) why = hdf5_reason();
  if (!flushed || !closed) throw DataError(path_.string() + ": cannot be written" + why);
  commit_temporary(std::exchange(temporary_, {}), path_);
}

void Hdf5File::fail(const std::string& where, const std::string& what) const {
  throw DataError(path_.string() + ": " + where + ": " + what);
}

void Hdf5File::check_writable() const {
  if (temporary_.empty() || id_ < 0) throw ContractError(path_.string() + ": not open for writing");
}

bool Hdf5File::has(const std::string& name) const {
  const Hdf5Quiet quiet;
  if (name == "/") return true;
  for (std::size_t slash = name.find('/', 1);; slash = name.find('/', slash + 1)) {  // each group on the way
    if (H5Lexists(id_, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
    if (slash == std::string::npos) break;
  }
  return H5Oexists_by_name(id_, name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> Hdf5File::names(const std::string& group) const {
  const Hdf5Quiet quiet;
  const Hdf5Handle handle(H5Gopen2(id_, group.c_str(), H5P_DEFAULT), H5Gclose);
  if (!handle.valid()) fail("group '" + group + "'", "cannot be opened" + hdf5_reason());
  std::vector<std::string> out;
  const auto note = [](hid_t, const char* name, const H5L_info_t*, void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->push_back(name);
    return 0;
  };
  if (H5Literate(handle.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, note, &out) < 0)
    fail("group '" + group + "'", "cannot be listed" + hdf5_reason());
  return out;
}

Hdf5DataSet open_hdf5_data_set(const Hdf5File& file, hid_t id, const std::string& name) {
  const std::string where = file.path().string() + ": data set '" + name + "'";
  if (!file.has(name)) throw DataError(where + ": not in the file" + known_names_hint(name, file.names()));
  Hdf5DataSet set{Hdf5Handle(H5Dopen2(id, name.c_str(), H5P_DEFAULT), H5Dclose), Hdf5Handle(-1, H5Sclose), {}};
  if (!set.id.valid()) throw DataError(where + ": cannot be opened" + hdf5_reason());
  Hdf5Handle space(H5Dget_space(set.id.get()), H5Sclose);
  hsize_t lengths[kMostAxes] = {};
  const int axes = space.valid() ? H5Sget_simple_extent_ndims(space.get()) : -1;
  if (axes < 0 || axes > kMostAxes || H5Sget_simple_extent_dims(space.get(), lengths, nullptr) < 0)
    throw DataError(where + ": its shape cannot be read" + hdf5_reason());
  Hdf5DataSet out{std::move(set.id), std::move(space), std::vector<std::size_t>(lengths, lengths + axes)};
  if (element_count(out.shape) > kMostElements)
    throw DataError(where + ": shape " + shape_text(out.shape) + " is too large");
  return out;
}

std::vector<std::size_t> Hdf5File::shape(const std::string& name) const {
  const Hdf5Quiet quiet;
  return open_hdf5_data_set(*this, id_, name).shape;
}

void Hdf5File::check_shape(const std::string& name, const std::vector<std::size_t>& expected) const {
  const std::vector<std::size_t> found = shape(name);
  bool same = found.size() == expected.size();
  for (std::size_t i = 0; same && i < found.size(); ++i) same = expected[i] == 0 || found[i] == expected[i];
  if (!same) fail("data set '" + name + "'", "shape is " + shape_text(found) + ", expected " + shape_text(expected));
}

template <class T>
std::vector<T> Hdf5File::read(const std::string& name) const {
  const std::vector<std::size_t> found = shape(name);
  return found.empty() ? read_rows<T>(name, 0, 1) : read_rows<T>(name, 0, found[0]);
}

template <class T>
std::vector<T> Hdf5File::read_rows(const std::string& name, std::size_t first, std::size_t count) const {
  const Hdf5Quiet quiet;
  const Hdf5DataSet set = open_hdf5_data_set(*this, id_, name);
  const std::string where = "data set '" + name + "'";
  const Hdf5Handle type(H5Dget_type(set.id.get()), H5Tclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail(where, "does not hold numbers");
  if (std::is_integral_v<T> && kind != H5T_INTEGER) fail(where, "holds real numbers, expected integers");
  const std::size_t rows = set.shape.empty() ? 1 : set.shape[0];
  if (first > rows || count > rows - first)
    fail(where, "rows " + std::to_string(first) + " to " + std::to_string(first + count) + " asked for, it has " +
                    std::to_string(rows));

  std::vector<hsize_t> start(set.shape.size(), 0), lengths(set.shape.begin(), set.shape.end());
  if (!lengths.empty()) {
    start[0] = first;
    lengths[0] = count;
  }
  std::size_t elements = 1;
  for (const hsize_t length : lengths) elements *= static_cast<std::size_t>(length);
  std::vector<T> values;
  try {
    values.resize(elements);
  } catch (const std::bad_alloc&) {
    fail(where, "shape " + shape_text(set.shape) + " does not fit into memory");
  }
  if (elements == 0) return values;
  Hdf5Handle memory(lengths.empty() ? H5Scopy(set.space.get())
                                    : H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                    H5Sclose);
  if (!lengths.empty())
    H5Sselect_hyperslab(set.space.get(), H5S_SELECT_SET, start.data(), nullptr, lengths.data(), nullptr);
  if (H5Dread(set.id.get(), native_type<T>(), memory.get(), set.space.get(), H5P_DEFAULT, values.data()) < 0)
    fail(where, "cannot be read" + hdf5_reason());
  return values;
}

Hdf5Handle create_hdf5_data_set(hid_t file, const std::string& name, hid_t type,
                                const std::vector<std::size_t>& shape) {
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  const Hdf5Handle space(lengths.empty() ? H5Screate(H5S_SCALAR)
                                         : H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr),
                         H5Sclose);
  const Hdf5Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links.get(), 1);
  const Hdf5Handle settings(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(settings.get(), false);
  H5Pset_fill_time(settings.get(), H5D_FILL_TIME_NEVER);
  return Hdf5Handle(H5Dcreate2(file, name.c_str(), type, space.get(), links.get(), settings.get(), H5P_DEFAULT),
                    H5Dclose);
}

template <class T>
void Hdf5File::create_data_set(const std::string& name, const std::vector<std::size_t>& shape) {
  const Hdf5Quiet quiet;
  check_writable();
  if (!create_hdf5_data_set(id_, name, native_type<T>(), shape).valid())
    fail("data set '" + name + "'", "cannot be created" + hdf5_reason());
}

template <class T>
void Hdf5File::write(const std::string& name, const std::vector<T>& values, const std::vector<std::size_t>& shape) {
  const Hdf5Quiet quiet;
  check_writable();
  if (element_count(shape) != values.size())
    throw ContractError("data set '" + name + "': " + std::to_string(values.size()) + " values for shape " +
                        shape_text(shape));
  const Hdf5Handle set = create_hdf5_data_set(id_, name, native_type<T>(), shape);
  if (!set.valid()) fail("data set '" + name + "'", "cannot be created" + hdf5_reason());
  if (values.empty()) return;
  if (H5Dwrite(set.get(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
    fail("data set '" + name + "'", "cannot be written" + hdf5_reason());
}

template <class T>
void Hdf5File::write_rows(const std::string& name, std::size_t first, std::span<const T> values) {
  const Hdf5Quiet quiet;
  check_writable();
  const Hdf5DataSet set = open_hdf5_data_set(*this, id_, name);
  const std::size_t row = set.shape.empty() ? 0 : element_count({set.shape.begin() + 1, set.shape.end()});
  if (row == 0 || values.size() % row || first > set.shape[0] || values.size() / row > set.shape[0] - first)
    throw ContractError("data set '" + name + "': " + std::to_string(values.size()) + " values from row " +
                        std::to_string(first) + " on do not go into shape " + shape_text(set.shape));
  if (values.empty()) return;
  std::vector<hsize_t> start(set.shape.size(), 0), lengths(set.shape.begin(), set.shape.end());
  start[0] = first;
  lengths[0] = values.size() / row;
  const Hdf5Handle memory(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr), H5Sclose);
  H5Sselect_hyperslab(set.space.get(), H5S_SELECT_SET, start.data(), nullptr, lengths.data(), nullptr);
  if (H5Dwrite(set.id.get(), native_type<T>(), memory.get(), set.space.get(), H5P_DEFAULT, values.data()) < 0)
    fail("data set '" + name + "'", "cannot be written" + hdf5_reason());
}

template <class T>
std::uint64_t Hdf5File::raw_offset(const std::string& name) const {
  const Hdf5Quiet quiet;
  const Hdf5DataSet set = open_hdf5_data_set(*this, id_, name);
  const std::string where = "data set '" + name + "'";
  const Hdf5Handle type(H5Dget_type(set.id.get()), H5Tclose);
  if (H5Tequal(type.get(), native_type<T>()) <= 0) fail(where, "is of another number type than this program stores");
  const Hdf5Handle settings(H5Dget_create_plist(set.id.get()), H5Pclose);
  if (H5Pget_layout(settings.get()) != H5D_CONTIGUOUS || H5Pget_external_count(settings.get()) != 0)
    fail(where, "is not stored in one piece (chunked, compressed or external)");
  if (element_count(set.shape) == 0) return 0;
  const haddr_t offset = H5Dget_offset(set.id.get());
  if (offset == HADDR_UNDEF) fail(where, "was never written");
  return offset;
}

#define DIFFVERB_HDF5_TYPE(T)                                                                         \
  template std::vector<T> Hdf5File::read<T>(const std::string&) const;                                \
  template std::vector<T> Hdf5File::read_rows<T>(const std::string&, std::size_t, std::size_t) const; \
  template std::uint64_t Hdf5File::raw_offset<T>(const std::string&) const;                           \
  template void Hdf5File::create_data_set<T>(const std::string&, const std::vector<std::size_t>&);    \
  template void Hdf5File::write_rows<T>(const std::string&, std::size_t, std::span<const T>);         \
  template void Hdf5File::write<T>(const std::string&, const std::vector<T>&, const std::vector<std::size_t>&);
DIFFVERB_HDF5_TYPE(float)
DIFFVERB_HDF5_TYPE(double)
DIFFVERB_HDF5_TYPE(std::int32_t)
DIFFVERB_HDF5_TYPE(std::int64_t)
#undef DIFFVERB_HDF5_TYPE

}  // namespace diffverb
