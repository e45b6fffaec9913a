#include "train/failure.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>

#include "core/error.h"

namespace diffverb {
namespace {

Failure failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.what(), error.exit_code()};
  } catch (const c10::Error& error) {
    return {error.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return {"out of memory"};
  } catch (const std::exception& error) {
    return {error.what()};
  }
}

}  // namespace

Failure current_failure() {
  Failure out = failure();
  for (char& c : out.message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return out;
}

std::string message_about(const std::filesystem::path& file, const std::string& message) {
  return message.rfind(file.string(), 0) == 0 ? message : file.string() + ": " + message;
}

}  // namespace diffverb
