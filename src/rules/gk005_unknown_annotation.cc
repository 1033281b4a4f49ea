#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "core/annotations.h"
#include "core/edit_distance.h"
#include "rules/places.h"
#include "rules/registry.h"

namespace gracekeeper {
namespace {

// Unknown keys of one object that are looked at. Each is compared with every known key, some 15 µs;
// a hostile pod of 3 MB holds 60,000 of them.
constexpr std::size_t kLookedAt = 256;

std::string_view domain_of(std::string_view key) { return key.substr(0, key.find('/')); }

std::string_view name_of(std::string_view key) {
  const auto slash = key.find('/');
  return slash == std::string_view::npos ? key : key.substr(slash + 1);
}

// Only keys of these domains, or without one, can be meant for us.
bool is_candidate(std::string_view key) {
  const auto domain = domain_of(key);
  return key.find('/') == std::string_view::npos ||
         domain.find("linkerd") != std::string_view::npos ||
         domain.find("l5d") != std::string_view::npos || is_within(4, domain, "gracekeeper.dev");
}

// Whether the words of `part`, "b-c", stand in those of `whole`, "a-b-c".
bool holds_words(std::string_view whole, std::string_view part) {
  return fmt::format("-{}-", whole).find(fmt::format("-{}-", part)) != std::string::npos;
}

// The known key that was probably meant by an unknown one: the same name under another domain, else
// the nearest spelling. Short names must be nearer, so that "linkerd.io/inject-me" is not taken for
// "inject".
std::optional<std::string_view> intended(std::string_view key) {
  const auto known = annotation::known_annotations();
  const auto same_name = std::find_if(known.begin(), known.end(), [&](auto candidate) {
    return name_of(candidate) == name_of(key);
  });
  // A key without a domain needs a telling name: "ignore" alone is somebody else's.
  if (same_name != known.end() &&
      (key.find('/') != std::string_view::npos || name_of(key).size() >= 10))
    return *same_name;

  // The first word of the name is missing: wait-before-exit-seconds.
  if (name_of(key).size() >= 10) {
    const auto with_more = std::find_if(known.begin(), known.end(), [&](auto candidate) {
      const auto name = name_of(candidate);
      return name.ends_with(name_of(key)) && name.size() > name_of(key).size() &&
             name[name.size() - name_of(key).size() - 1] == '-';
    });
    if (with_more != known.end()) return *with_more;
  }

  // A word too many or too few on either side of the two that decide over the termination:
  // proxy-wait-before-exit, shutdown-grace-period-seconds. Linkerd's other keys have kin of their
  // own.
  for (const auto candidate : {annotation::kWait, annotation::kGrace}) {
    const auto name = name_of(key);
    if (name.size() >= 10 &&
        (holds_words(name, name_of(candidate)) || holds_words(name_of(candidate), name)))
      return candidate;
  }

  if (key.find('/') == std::string_view::npos) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_distance = 0;
  for (auto candidate : known) {
    const auto allowed =
        name_of(candidate).size() >= 12 ? 3U : (name_of(candidate).size() >= 6 ? 2U : 1U);
    if (!is_within(allowed, name_of(key), name_of(candidate))) continue;
    const auto distance = edit_distance(key, candidate);
    if (!best || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::vector<std::string_view> keys_of_profiles(const Configuration& configuration) {
  std::vector<std::string_view> keys;
  for (const auto& profile : configuration.profiles.items) {
    for (std::string_view key :
         {std::string_view(profile->inject_annotation), std::string_view(profile->wait.annotation),
          std::string_view(profile->grace.annotation),
          std::string_view(profile->native_annotation)}) {
      if (!key.empty()) keys.push_back(key);
    }
  }
  return keys;
}

// A profile's domain has other annotations too, which are not ours: only a near miss of a name is
// taken for one of its keys.
std::optional<std::string_view> intended_for_profile(std::string_view key,
                                                     const std::vector<std::string_view>& keys) {
  for (auto candidate : keys) {
    const auto allowed = std::min<std::size_t>(2, name_of(candidate).size() / 4);
    if (domain_of(key) == domain_of(candidate) &&
        is_within(allowed, name_of(key), name_of(candidate)))
      return candidate;
  }
  return std::nullopt;
}

// Those of gracekeeper.dev: whoever invents another gets nothing for it.
std::vector<std::string_view> own_keys() {
  std::vector<std::string_view> keys;
  for (const auto key : annotation::known_annotations()) {
    if (key.starts_with(annotation::kOwnPrefix)) keys.push_back(key);
  }
  return keys;
}

// Only the right name under a wrong domain is sure: a near miss is a guess.
Fix fix_for(const FieldPath& path, std::string_view key) {
  std::vector<std::string_view> same_name;
  for (auto candidate : annotation::known_annotations()) {
    if (name_of(candidate) == name_of(key)) same_name.push_back(candidate);
  }
  if (same_name.size() == 1) return RenameKey{.path = path, .key = std::string(same_name.front())};
  if (same_name.empty()) return NoFix{"which key is meant is a guess"};
  return NoFix{fmt::format("more than one key has that name: {}", fmt::join(same_name, ", "))};
}

std::vector<Finding> misspelt(const Annotations& annotations, const FieldPath& holder,
                              const Configuration& configuration) {
  std::vector<Finding> findings;
  std::map<std::string_view, std::size_t> candidates;  // by what is meant
  std::vector<std::string_view> meant_by;              // the findings
  const auto of_profiles = keys_of_profiles(configuration);
  std::size_t looked_at = 0;
  for (const auto& [key, value] : annotations) {
    if (std::find(of_profiles.begin(), of_profiles.end(), key) != of_profiles.end()) continue;
    std::optional<std::string_view> meant;
    const bool is_looked_at =
        looked_at < kLookedAt && !annotation::is_known(key) && is_candidate(key);
    if (is_looked_at) {
      ++looked_at;
      meant = intended(key);
    }
    if (!meant) meant = intended_for_profile(key, of_profiles);
    if (!meant && (!is_looked_at || !key.starts_with(annotation::kOwnPrefix))) continue;
    const auto path = holder / "metadata" / "annotations" / key;
    meant_by.push_back(meant.value_or(""));
    ++candidates[meant_by.back()];
    findings.push_back(
        {.rule = "GK005",
         .name = "unknown-annotation",
         .severity = Severity::Warning,
         .path = path,
         .container = std::nullopt,
         .message = fmt::format("{} is not an annotation that anything reads{}", key,
                                meant ? fmt::format(": {} was probably meant", *meant) : ""),
         .short_message = meant ? fmt::format("GK005 unknown annotation; did you mean {}?", *meant)
                                : fmt::format("GK005 unknown annotation {}", key),
         .remedy = meant
                       ? fmt::format("Rename it to {}.", *meant)
                       : fmt::format("Take one of {}, or remove it.", fmt::join(own_keys(), ", ")),
         .numbers = {},
         .fix = fix_for(path, key)});
  }
  // Which of two is right is not for us to say.
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (candidates[meant_by[i]] > 1 && !std::holds_alternative<NoFix>(findings[i].fix))
      findings[i].fix = NoFix{fmt::format("more than one key may stand for {}", meant_by[i])};
  }
  return findings;
}

std::vector<Finding> check(const Assessment& a) {
  return misspelt(a.pod().annotations, a.subject->pod_path, *a.configuration);
}
std::vector<Finding> check_namespace(const Namespace& where, const Configuration& configuration) {
  return misspelt(where.annotations, FieldPath{}, configuration);
}

}  // namespace

Rule gk005_unknown_annotation() {
  return {.id = "GK005",
          .name = "unknown-annotation",
          .severity = Severity::Warning,
          .summary =
              "an annotation is a near miss of a known one, or one of gracekeeper.dev that there "
              "is not",
          .cause =
              "A misspelt key, or the right name under the wrong prefix, is silently ignored by "
              "everything.",
          .example =
              "metadata:\n"
              "  annotations:\n"
              "    config.linkerd.io/proxy-wait-before-exit-seconds: \"20\"\n",
          .remedy = "Rename the annotation to the key that the message names, or to one of those.",
          .check_pod = check,
          .check_namespace = check_namespace};
}

}  // namespace gracekeeper
