#pragma once

#include <string>
#include <string_view>

namespace diffverb::ui {

/// A line of text that is being typed. What stood there first is selected: the first character replaces it.
class TextEntry {
 public:
  void open(std::string text) {
    text_ = std::move(text);
    is_open_ = selected_ = true;
  }
  void close() { is_open_ = false; }
  bool is_open() const { return is_open_; }
  bool selected() const { return selected_; }
  const std::string& text() const { return text_; }

  /// A printable character; others are passed over. At most as long as a value can be.
  void type(char character) {
    if (character < ' ' || character > '~') return;
    if (selected_) text_.clear();
    selected_ = false;
    if (text_.size() < kMost) text_ += character;
  }
  void erase() {
    if (selected_) text_.clear();
    selected_ = false;
    if (!text_.empty()) text_.pop_back();
  }

 private:
  static constexpr std::size_t kMost = 16;
  std::string text_;
  bool is_open_ = false, selected_ = false;
};

}  // namespace diffverb::ui
