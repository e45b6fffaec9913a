#pragma once

#include <stdexcept>
#include <string>

namespace diffverb {

/// What the library throws. The kind says who can mend it, and the program's exit code follows from the kind.
///
/// A message is one line that says what, where and what was expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  virtual int exit_code() const noexcept { return 4; }
};

/// The command line or a config is wrong: message starts with file:line:column and the key path where there is one.
class ConfigError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 1; }
};

/// A file or what stands in it is wrong: message names the path, and the data set or attribute.
class DataError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 2; }
};

/// A computation left the numbers: message names the step, the tensor and the first bad index.
class NumericError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 3; }
};

/// A stated shape or range was broken by the calling code: a bug, not an input.
class ContractError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 4; }
};

}  // namespace diffverb
