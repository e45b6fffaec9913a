// What the runtime asks of Windows; platform_posix.cpp is the same for all others.
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "runtime/safetensors.h"

namespace diffverb::runtime {
namespace {

std::string system_reason() { return std::system_category().message(static_cast<int>(::GetLastError())); }

/// A new file beside `path`, under a name that nobody has; INVALID_HANDLE_VALUE where none can be made.
HANDLE open_beside(const std::filesystem::path& path, std::wstring& name) {
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    name = path.wstring() + L"." + std::to_wstring(::GetCurrentProcessId()) + L"." +
           std::to_wstring(::GetTickCount64() + attempt);
    const HANDLE file =
        ::CreateFileW(name.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (file != INVALID_HANDLE_VALUE || ::GetLastError() != ERROR_FILE_EXISTS) return file;
  }
  return INVALID_HANDLE_VALUE;
}

std::string write_all(HANDLE file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    DWORD count = 0;
    const auto piece = static_cast<DWORD>(std::min<std::size_t>(bytes.size(), std::size_t{1} << 30));
    if (!::WriteFile(file, bytes.data(), piece, &count, nullptr)) return system_reason();
    bytes = bytes.subspan(count);
  }
  return ::FlushFileBuffers(file) ? std::string() : system_reason();
}

}  // namespace

std::string write_file_atomically(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::wstring temporary;
  const HANDLE file = open_beside(path, temporary);
  if (file == INVALID_HANDLE_VALUE) return "cannot be written: " + system_reason();
  std::string error = write_all(file, bytes);
  if (!::CloseHandle(file) && error.empty()) error = system_reason();
  if (error.empty() &&
      !::MoveFileExW(temporary.c_str(), path.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
    error = system_reason();
  if (error.empty()) return {};
  ::DeleteFileW(temporary.c_str());
  return "cannot be written: " + error;
}

}  // namespace diffverb::runtime
