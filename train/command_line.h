#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace diffverb {

// Subcommands and their options, parsed by CLI11 behind this header: CLI11 is a header alone, and to compile it into each
// subcommand took most of the time that a subcommand's file took (CONTRIBUTING.md).

/// What a value has to be: in_range(1, 8), one_of({"ogg", "flac"}), positive_number().
class ValueCheck {
 public:
  explicit ValueCheck(std::shared_ptr<const CLI::Validator> validator) : validator_(std::move(validator)) {}
  const CLI::Validator& validator() const { return *validator_; }

 private:
  std::shared_ptr<const CLI::Validator> validator_;
};

/// Both ends are good values; the kind of number is the one that --help names (INT, FLOAT).
ValueCheck in_range(int least, int most);
ValueCheck in_range(std::int64_t least, std::int64_t most);
ValueCheck in_range(double least, double most);
ValueCheck positive_number();
ValueCheck one_of(const std::vector<std::string>& words);

/// The variable that an option writes, of one of these kinds. It has to live as long as the command line.
class OptionValue {
 public:
  using Variable = std::variant<std::string*, std::filesystem::path*, int*, std::int64_t*, std::uint64_t*, double*,
                                std::optional<std::int64_t>*, std::optional<double>*, std::vector<std::string>*,
                                std::vector<std::filesystem::path>*, std::vector<std::int64_t>*, std::vector<double>*>;

  template <class T>
  OptionValue(T& variable) : variable_(&variable) {}  // NOLINT: `add_option("--out", options->out, ...)`
  const Variable& variable() const { return variable_; }

 private:
  Variable variable_;
};

/// An option, a flag or a positional argument. Each function returns the option itself.
class CommandOption {
 public:
  explicit CommandOption(CLI::Option& option) : option_(&option) {}
  CommandOption* required();
  CommandOption* check(const ValueCheck& what);
  CommandOption* capture_default_str();                 // --help shows the value that the variable has now
  CommandOption* take_all();                            // may stand several times
  CommandOption* allow_extra_args(bool allowed);        // several values after one --name
  CommandOption* delimiter(char between);               // several values in one word: 1,2,3
  CommandOption* expected(int values);                  // exactly so many
  CommandOption* group(const std::string& heading);     // in --help
  CommandOption* needs(const std::string& other);       // is an error without the option of that name
  CommandOption* needs(const CommandOption* other);     // the same
  CommandOption* excludes(const CommandOption* other);  // is an error together with it

 private:
  CLI::Option* option_;
};

std::vector<std::string> subcommand_names(const CLI::App& parser);

/// A subcommand, or the program itself. It owns the subcommands and options that it returns.
class Command {
 public:
  explicit Command(CLI::App& parser);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command* add_subcommand(const std::string& name, const std::string& help);
  /// A name is "--out", "-o,--out", or without dashes that of a positional argument.
  CommandOption* add_option(const std::string& name, const OptionValue& value, const std::string& help);
  CommandOption* add_flag(const std::string& name, bool& value, const std::string& help);

  void footer(const std::string& text);
  void callback(std::function<void()> run);
  void require_subcommand(int least, int most);

  bool subcommand_was_given() const;  // once the command line is parsed

  CLI::App& parser() { return *parser_; }  // for what declares options of its own: runtime/render_program/command.h
  const CLI::App& parser() const { return *parser_; }

 private:
  CommandOption* keep(CLI::Option* option);

  CLI::App* parser_;
  std::vector<std::unique_ptr<Command>> subcommands_;
  std::vector<std::unique_ptr<CommandOption>> options_;
};

}  // namespace diffverb
