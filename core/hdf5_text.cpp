#include <algorithm>

#include "core/error.h"
#include "core/hdf5_file.h"
#include "core/hdf5_handle.h"

namespace diffverb {
namespace {

constexpr std::size_t kLongestText = 65536;

/// Text of fixed length without what fills it up.
std::string unpadded(std::string text, hid_t type) {
  text.resize(std::min(text.find('\0'), text.size()));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) text.resize(text.find_last_not_of(' ') + 1);
  return text;
}

Hdf5Handle text_type(std::size_t length) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), length);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

}  // namespace

bool Hdf5File::has_attribute(const std::string& object, const std::string& name) const {
  const Hdf5Quiet quiet;
  return has(object) && H5Aexists_by_name(id_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

static Hdf5Handle open_attribute(const Hdf5File& file, hid_t id, const std::string& object, const std::string& name) {
  const std::string where = file.path().string() + ": attribute '" + name + "' of '" + object + "'";
  if (!file.has_attribute(object, name)) throw DataError(where + ": not in the file");
  Hdf5Handle attribute(H5Aopen_by_name(id, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) throw DataError(where + ": cannot be opened" + hdf5_reason());
  return attribute;
}

std::string Hdf5File::string_attribute(const std::string& object, const std::string& name) const {
  const Hdf5Quiet quiet;
  const std::string where = "attribute '" + name + "' of '" + object + "'";
  const Hdf5Handle attribute = open_attribute(*this, id_, object, name);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  if (H5Tget_class(type.get()) != H5T_STRING) fail(where, "is not text");
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count == 0) return "";  // real files carry attributes with a null data space for the empty text
  if (count != 1) fail(where, "holds " + std::to_string(count) + " texts, expected one");
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    const Hdf5Handle memory(H5Tcopy(type.get()), H5Tclose);
    if (H5Aread(attribute.get(), memory.get(), &text) < 0) fail(where, "cannot be read" + hdf5_reason());
    const std::string out = text ? text : "";
    H5free_memory(text);
    return out;
  }
  std::string text(H5Tget_size(type.get()), '\0');
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) fail(where, "cannot be read" + hdf5_reason());
  return unpadded(std::move(text), type.get());
}

double Hdf5File::number_attribute(const std::string& object, const std::string& name) const {
  const Hdf5Quiet quiet;
  const std::string where = "attribute '" + name + "' of '" + object + "'";
  const Hdf5Handle attribute = open_attribute(*this, id_, object, name);
  const Hdf5Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Hdf5Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const H5T_class_t kind = H5Tget_class(type.get());
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) fail(where, "is not a number");
  if (H5Sget_simple_extent_npoints(space.get()) != 1) fail(where, "is not a single number");
  double value = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value) < 0) fail(where, "cannot be read" + hdf5_reason());
  return value;
}

static void write_attribute(const Hdf5File& file, hid_t id, const std::string& object, const std::string& name,
                            hid_t type, const void* value) {
  if (file.has_attribute(object, name)) H5Adelete_by_name(id, object.c_str(), name.c_str(), H5P_DEFAULT);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Handle attribute(
      H5Acreate_by_name(id, object.c_str(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  if (!attribute.valid() || H5Awrite(attribute.get(), type, value) < 0)
    throw DataError(file.path().string() + ": attribute '" + name + "' of '" + object + "': cannot be written" +
                    hdf5_reason());
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, const std::string& value) {
  const Hdf5Quiet quiet;
  check_writable();
  const Hdf5Handle type = text_type(value.size() + 1);
  write_attribute(*this, id_, object, name, type.get(), value.c_str());
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, double value) {
  const Hdf5Quiet quiet;
  check_writable();
  write_attribute(*this, id_, object, name, H5T_NATIVE_DOUBLE, &value);
}

std::vector<std::string> Hdf5File::read_text(const std::string& name) const {
  const Hdf5Quiet quiet;
  const Hdf5DataSet set = open_hdf5_data_set(*this, id_, name);
  const std::string where = "data set '" + name + "'";
  const Hdf5Handle type(H5Dget_type(set.id.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) > 0 || set.shape.size() != 1)
    fail(where, "is not a list of texts of fixed length");
  const std::size_t length = H5Tget_size(type.get());
  if (length > kLongestText) fail(where, "its texts are of " + std::to_string(length) + " bytes, too long");
  std::string all;
  try {
    all.resize(set.shape[0] * length);
  } catch (const std::exception&) {  // only a damaged file says so
    fail(where, std::to_string(set.shape[0]) + " texts of " + std::to_string(length) + " bytes do not fit into memory");
  }
  if (!all.empty() && H5Dread(set.id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()) < 0)
    fail(where, "cannot be read" + hdf5_reason());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < set.shape[0]; ++i) out.push_back(unpadded(all.substr(i * length, length), type.get()));
  return out;
}

void Hdf5File::write_text(const std::string& name, const std::vector<std::string>& values) {
  const Hdf5Quiet quiet;
  check_writable();
  std::size_t longest = 1;
  for (const std::string& value : values) longest = std::max(longest, value.size());
  if (longest > kLongestText) throw ContractError("data set '" + name + "': a text is longer than 65536 bytes");
  const Hdf5Handle type = text_type(longest);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  std::string all;
  for (const std::string& value : values) {
    all += value;
    all.resize(all.size() + longest - value.size(), '\0');
  }
  const Hdf5Handle set = create_hdf5_data_set(id_, name, type.get(), {values.size()});
  if (!set.valid()) fail("data set '" + name + "'", "cannot be created" + hdf5_reason());
  if (!all.empty() && H5Dwrite(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()) < 0)
    fail("data set '" + name + "'", "cannot be written" + hdf5_reason());
}

}  // namespace diffverb
