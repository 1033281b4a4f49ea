#include "core/pod.h"

#include <algorithm>
#include <array>

namespace gracekeeper {
namespace {

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Of a word that the shell takes as it is written.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '/' || c == '_' || c == '-' || c == '+';
}

Millis sum(Millis a, Millis b) { return std::min(a + b, kLongest); }

// Of `sleep` and its arguments, which it adds up.
template <typename Text>
std::optional<Millis> time_of_sleep(const std::vector<Text>& words) {
  if (words.size() < 2 || base_name(words[0]) != "sleep") return std::nullopt;
  Millis time{0};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto argument = parse_sleep_argument(words[i]);
    if (!argument) return std::nullopt;
    time = sum(time, *argument);
  }
  return time;
}

// Whether an `&` may send what came before into the background. Every lone one counts, also one in
// quotes, except that of `2>&1`.
bool may_send_to_background(std::string_view text) {
  for (std::size_t i = text.find('&'); i < text.size(); i = text.find('&', i)) {
    const auto at = [&](std::size_t back) { return i < back ? ' ' : text[i - back]; };
    const auto end = std::min(text.find_first_not_of('&', i), text.size());
    const bool joins = end - i == 2 && at(1) != '\\';
    const bool redirects = end - i == 1 && (at(1) == '>' || at(1) == '<') && at(2) != '\\';
    if (!joins && !redirects) return true;
    i = end;
  }
  return false;
}

// Reads the sleeps that a script begins with, and stops at the first thing that is none.
class Script {
 public:
  explicit Script(std::string_view text) : text_(text) {}

  SleepTime read() {
    bool is_sleep = false;
    for (;;) {
      skip_to_command();
      if (at_end()) break;
      const auto begin = at_;
      auto words = read_words();
      const bool replaces_shell = !words.empty() && words.front() == "exec";
      if (replaces_shell) words.erase(words.begin());
      const auto time = time_of_sleep(words);
      if (!time) return stop(begin);
      is_sleep = true;
      if (!take_operator(*time)) return stop(begin);
      if (!is_alternative_ && !replaces_shell) continue;
      skip_to_command();
      if (!at_end()) return stop(at_);
    }
    if (!is_sleep || is_joined_) return {};  // `sleep 5 &&` and no more is refused by the shell
    return {.length = sum(done_, list_)};
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] bool is_at(std::string_view token) const {
    return text_.substr(at_, token.size()) == token;
  }

  void end_list() {
    done_ = sum(done_, list_);
    list_ = Millis{0};
  }

  void skip_blanks() {
    while (!at_end() && is_blank(text_[at_])) ++at_;
  }

  // Over blanks, comments and line breaks; a break behind `&&` or `||` ends no list.
  void skip_to_command() {
    for (;;) {
      skip_blanks();
      if (is_at("#")) at_ = std::min(text_.find('\n', at_), text_.size());
      if (!is_at("\n")) return;
      ++at_;
      if (!is_joined_) end_list();
    }
  }

  std::vector<std::string_view> read_words() {
    std::vector<std::string_view> words;
    for (;;) {
      const auto begin = at_;
      while (!at_end() && is_plain(text_[at_])) ++at_;
      if (at_ == begin) return words;
      words.push_back(text_.substr(begin, at_ - begin));
      if (!at_end() && !is_blank(text_[at_])) return words;
      skip_blanks();
    }
  }

  // What ends the sleep; false: something that changes what it does.
  bool take_operator(Millis time) {
    const bool is_comment = is_at("#") && is_blank(text_[at_ - 1]);
    const bool is_end = at_end() || is_at("\n") || is_comment;
    const bool ends_list = is_at(";") && !is_at(";;");
    const bool joins = is_at("&&") && !is_at("&&&");
    is_alternative_ = is_at("||");
    if (!is_end && !ends_list && !joins && !is_alternative_) return false;
    list_ = sum(list_, time);
    is_joined_ = joins || is_alternative_;
    if (ends_list) {
      ++at_;
      end_list();
    }
    if (is_joined_) at_ += 2;
    return true;
  }

  // An `&` further on takes all of the list with it.
  [[nodiscard]] SleepTime stop(std::size_t rest) const {
    const bool is_certain = !may_send_to_background(text_.substr(rest));
    return {.length = std::nullopt, .at_least = is_certain ? sum(done_, list_) : done_};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Millis done_{0};  // of the lists that are over
  Millis list_{0};  // of the one that is being read: commands with && between them
  bool is_joined_ = false;
  bool is_alternative_ = false;
};

// -c, -ec, -lc: options that change nothing about a sleep.
bool is_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-' &&
         word.find_first_not_of("celux", 1) == std::string_view::npos;
}

// What is behind `sh -c`; nothing: it is something else.
std::optional<std::string_view> script_of(const std::vector<std::string>& command) {
  constexpr std::array<std::string_view, 4> shells{"sh", "bash", "ash", "dash"};
  if (command.empty() ||
      std::find(shells.begin(), shells.end(), base_name(command[0])) == shells.end())
    return std::nullopt;
  for (std::size_t i = 1; i + 1 < command.size() && is_option(command[i]); ++i) {
    if (command[i].find('c') != std::string::npos) return command[i + 1];
  }
  return std::nullopt;
}

}  // namespace

SleepTime sleep_time(const std::vector<std::string>& command) {
  if (const auto time = time_of_sleep(command)) return {.length = time};
  if (const auto script = script_of(command)) return Script(*script).read();
  return {};
}

std::optional<Millis> known_app_wait(const std::vector<std::string>& command) {
  if (command.empty() || base_name(command[0]) != kAwaitAppProgram) return std::nullopt;
  for (std::size_t i = 1; i + 1 < command.size(); ++i) {
    if (command[i] != "--timeout") continue;
    const auto parsed = parse_duration(command[i + 1]);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }
  return std::nullopt;
}

const Container* Pod::find_container(std::string_view container_name) const {
  for (const auto* list : {&containers, &init_containers}) {
    for (const auto& container : *list) {
      if (container.name == container_name) return &container;
    }
  }
  return nullptr;
}

}  // namespace gracekeeper
