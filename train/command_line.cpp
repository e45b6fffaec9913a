#include "train/command_line.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "runtime/render_program/number_range.h"

namespace diffverb {
namespace {

template <class T>
ValueCheck range_of(T least, T most) {
  return ValueCheck(std::make_shared<CLI::Range>(least, most));
}

}  // namespace

ValueCheck in_range(int least, int most) { return range_of(least, most); }

ValueCheck in_range(std::int64_t least, std::int64_t most) { return range_of(least, most); }

ValueCheck in_range(double least, double most) {
  return ValueCheck(std::make_shared<CLI::Validator>(runtime::number_in(least, most)));
}

ValueCheck positive_number() { return ValueCheck(std::make_shared<CLI::Validator>(CLI::PositiveNumber)); }

ValueCheck one_of(const std::vector<std::string>& words) { return ValueCheck(std::make_shared<CLI::IsMember>(words)); }

CommandOption* CommandOption::required() {
  option_->required();
  return this;
}

CommandOption* CommandOption::check(const ValueCheck& what) {
  option_->check(what.validator());
  return this;
}

CommandOption* CommandOption::capture_default_str() {
  option_->capture_default_str();
  return this;
}

CommandOption* CommandOption::take_all() {
  option_->take_all();
  return this;
}

CommandOption* CommandOption::allow_extra_args(bool allowed) {
  option_->allow_extra_args(allowed);
  return this;
}

CommandOption* CommandOption::delimiter(char between) {
  option_->delimiter(between);
  return this;
}

CommandOption* CommandOption::expected(int values) {
  option_->expected(values);
  return this;
}

CommandOption* CommandOption::group(const std::string& heading) {
  option_->group(heading);
  return this;
}

CommandOption* CommandOption::needs(const std::string& other) {
  option_->needs(other);
  return this;
}

CommandOption* CommandOption::needs(const CommandOption* other) {
  option_->needs(other->option_);
  return this;
}

CommandOption* CommandOption::excludes(const CommandOption* other) {
  option_->excludes(other->option_);
  return this;
}

std::vector<std::string> subcommand_names(const CLI::App& parser) {
  std::vector<std::string> names;
  for (const CLI::App* command : parser.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

Command::Command(CLI::App& parser) : parser_(&parser) {}

Command::~Command() = default;

Command* Command::add_subcommand(const std::string& name, const std::string& help) {
  return subcommands_.emplace_back(std::make_unique<Command>(*parser_->add_subcommand(name, help))).get();
}

CommandOption* Command::add_option(const std::string& name, const OptionValue& value, const std::string& help) {
  return keep(std::visit([&](auto* variable) { return parser_->add_option(name, *variable, help); }, value.variable()));
}

CommandOption* Command::add_flag(const std::string& name, bool& value, const std::string& help) {
  return keep(parser_->add_flag(name, value, help));
}

void Command::footer(const std::string& text) { parser_->footer(text); }

void Command::callback(std::function<void()> run) { parser_->callback(std::move(run)); }

void Command::require_subcommand(int least, int most) {
  parser_->require_subcommand(static_cast<std::size_t>(least), static_cast<std::size_t>(most));
}

bool Command::subcommand_was_given() const { return !parser_->get_subcommands().empty(); }

CommandOption* Command::keep(CLI::Option* option) {
  return options_.emplace_back(std::make_unique<CommandOption>(*option)).get();
}

}  // namespace diffverb
