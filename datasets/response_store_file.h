#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "datasets/response_store.h"

/// What reader and writer of a data file share; included by datasets/response_store*.cpp alone.
namespace diffverb {

using PoolReader = std::function<void(std::int64_t first, std::span<float> out)>;

/// The whole HDF5 file, under a temporary name until all of it is on the disk.
void write_store_file(const std::filesystem::path& path, const std::vector<StoredResponse>& responses,
                      const StoreNotes& notes, std::int64_t pool_samples, const PoolReader& read_pool);

/// What is wrong with an entry; "" where nothing is.
std::string response_fault(const StoredResponse& response);

/// pread of all of `out`, or a DataError.
void read_samples(int fd, std::uint64_t byte, std::span<float> out, const std::filesystem::path& path);

}  // namespace diffverb
