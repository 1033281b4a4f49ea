#include "sidecar/custom_profile.h"

#include <algorithm>
#include <string_view>

#include "core/profile_proxy.h"

namespace gracekeeper {
namespace {

constexpr auto kEnd = static_cast<std::size_t>(-1);

Value without(const Value& object, std::string_view key) {
  Value::Object out;
  if (const auto* members = object.as_object()) {
    for (const auto& member : *members) {
      if (member.first != key) out.push_back(member);
    }
  }
  return out;
}

// The words of a command line with the argument set: where it stands, else at the end.
template <typename Words, typename Text>
void set_argument(Words& words, const ArgumentForm& form, const std::string& time, Text text) {
  const auto value = form.before + time + form.after;
  for (std::size_t i = words.size(); i-- > 0;) {
    if (!form.flag.empty()) {
      if (text(words[i]) != form.flag) continue;
      if (i + 1 < words.size())
        words[i + 1] = value;
      else
        words.push_back(value);
      return;
    }
    const std::string_view word = text(words[i]);
    if (word.size() < form.before.size() + form.after.size() || !word.starts_with(form.before) ||
        !word.ends_with(form.after))
      continue;
    words[i] = value;
    return;
  }
  if (!form.flag.empty()) words.push_back(form.flag);
  words.push_back(value);
}

bool holds_argument(const std::vector<std::string>& words, const ArgumentForm& form) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return form.flag.empty() ? word.starts_with(form.before) && word.ends_with(form.after)
                             : word == form.flag;
  });
}

void set_variable(Value& container, const std::string& name, const std::string& value) {
  Value::Array env;
  if (const auto* written = container.find("env"); written != nullptr && written->as_array())
    env = *written->as_array();
  const Value whole = Value::Object{{"name", name}, {"value", value}};
  const auto found =
      std::find_if(env.begin(), env.end(), [&](const Value& v) { return name_of(v) == name; });
  if (found != env.end())
    *found = whole;
  else
    env.push_back(whole);
  container.set("env", std::move(env));
}

// The list that holds the argument already, else args.
void set_argument_of(Value& container, const ArgumentForm& form, const std::string& time) {
  const auto text = [](const Value& word) {
    return word.as_string() == nullptr ? std::string_view{} : std::string_view(*word.as_string());
  };
  const auto words = [&](std::string_view key) {
    const auto* list = container.find(key);
    return list != nullptr && list->as_array() != nullptr ? *list->as_array() : Value::Array{};
  };
  const auto holds = [&](const Value::Array& list) {
    std::vector<std::string> texts;
    for (const auto& word : list) texts.emplace_back(text(word));
    return holds_argument(texts, form);
  };
  const std::string_view key =
      !holds(words("args")) && holds(words("command")) ? "command" : "args";
  auto list = words(key);
  set_argument(list, form, time, text);
  container.set(key, std::move(list));
}

void tell(Value& container, const ProfileSetting& setting, Millis time) {
  const auto text = setting.written(time);
  if (setting.means == SettingMeans::Environment) set_variable(container, setting.variable, text);
  if (setting.means == SettingMeans::Argument) set_argument_of(container, setting.argument, text);
}

void set_pre_stop(Value& container, Value handler) {
  const auto* written = container.find("lifecycle");
  Value lifecycle = written == nullptr ? Value{} : *written;
  lifecycle.set("preStop", std::move(handler));
  container.set("lifecycle", std::move(lifecycle));
}

void remove_pre_stop(Value& container) {
  const auto* lifecycle = container.find("lifecycle");
  if (lifecycle == nullptr) return;
  auto rest = without(*lifecycle, "preStop");
  if (rest.as_object()->empty())
    container = without(container, "lifecycle");
  else
    container.set("lifecycle", std::move(rest));
}

Lookup variables(const ProfileInjection& injection) {
  return profile_variables(injection.pod, injection.where, injection.namespace_name,
                           *injection.proxy.profile, injection.proxy.wait.value, injection.grace);
}

Value proxy_container(Value container, const ProfileInjection& injection) {
  const auto& proxy = injection.proxy;
  const auto& profile = *proxy.profile;
  tell(container, profile.wait, proxy.wait.value);
  tell(container, profile.grace, proxy.grace.value);
  if (!injection.wait_handler.is_null()) set_pre_stop(container, injection.wait_handler);
  if (proxy.is_native()) {
    if (profile.hook_is_timed) remove_pre_stop(container);
    container.set("restartPolicy", "Always");
  }
  return container;
}

void write_annotation(const ProfileSetting& setting, Millis time, const Pod& pod,
                      std::vector<Edit>& edits) {
  if (setting.means != SettingMeans::Annotation || pod.annotations.contains(setting.annotation))
    return;
  edits.emplace_back(SetAnnotation{setting.annotation, setting.written(time)});
}

// Whether the container's hook is this one already.
bool is_hook(const std::optional<Hook>& hook, const Value& handler) {
  if (!hook) return false;
  if (const auto* sleep = handler.find("sleep")) {
    const auto* seconds = sleep->find("seconds");
    return hook->action == Hook::Action::Sleep && seconds != nullptr &&
           seconds->as_int() != nullptr && hook->length == from_seconds(*seconds->as_int());
  }
  const auto* exec = handler.find("exec");
  const auto* command = exec == nullptr ? nullptr : exec->find("command");
  if (command == nullptr || command->as_array() == nullptr) return false;
  const auto& words = *command->as_array();
  return hook->action == Hook::Action::Exec &&
         std::equal(words.begin(), words.end(), hook->command.begin(), hook->command.end(),
                    [](const Value& word, const std::string& own) {
                      return word.as_string() != nullptr && *word.as_string() == own;
                    });
}

// The environment of the container in the pod, or its arguments, which both settings may change:
// those are changed in the container that is given.
void adjust(const ProfileSetting& setting, Millis time, Container& container,
            std::vector<Edit>& edits) {
  const auto text = setting.written(time);
  if (setting.means == SettingMeans::Environment) {
    const auto found = container.env.find(setting.variable);
    const auto written = found ? container.env[*found].value : std::nullopt;
    const auto own = written ? setting.read(*written) : std::nullopt;
    if (own != time) edits.emplace_back(SetVariable{container.name, setting.variable, text});
  }
  if (setting.means == SettingMeans::Argument) {
    const auto& form = setting.argument;
    const bool in_command =
        !holds_argument(container.args, form) && holds_argument(container.command, form);
    if (!can_be_told(container, setting)) return;
    set_argument(in_command ? container.command : container.args, form, text,
                 [](const std::string& word) { return std::string_view(word); });
  }
}

void write_arguments(const Container& before, Container& after, std::vector<Edit>& edits) {
  if (after.command != before.command)
    edits.emplace_back(SetArguments{before.name, true, std::move(after.command)});
  if (after.args != before.args)
    edits.emplace_back(SetArguments{before.name, false, std::move(after.args)});
}

}  // namespace

std::vector<Edit> inject_profile(const ProfileInjection& injection) {
  const auto& profile = *injection.proxy.profile;
  const bool native = injection.proxy.is_native();
  const auto lookup = variables(injection);
  std::vector<Edit> edits;
  write_annotation(profile.wait, injection.proxy.wait.value, injection.pod, edits);
  write_annotation(profile.grace, injection.proxy.grace.value, injection.pod, edits);
  std::size_t position = native ? 0 : kEnd;
  for (const auto& container : profile.init_containers) {
    edits.emplace_back(AddContainer{.list = Container::List::InitContainers,
                                    .position = position,
                                    .container = *fill(container, lookup)});
    if (native) ++position;
  }
  for (const auto& volume : profile.volumes) edits.emplace_back(AddVolume{*fill(volume, lookup)});
  for (const auto& container : profile.containers) {
    if (&container == profile.proxy_template()) continue;
    edits.emplace_back(AddContainer{.container = *fill(container, lookup)});
  }
  edits.emplace_back(AddContainer{
      .list = native ? Container::List::InitContainers : Container::List::Containers,
      .position = position,
      .container = proxy_container(*fill(*profile.proxy_template(), lookup), injection)});
  return edits;
}

std::vector<Edit> adjust_profile(const ProfileInjection& injection, const PodSettings& settings) {
  const auto& proxy = injection.proxy;
  const auto& profile = *proxy.profile;
  const auto& container = *adopted_proxy(injection.pod, profile.container);
  std::vector<Edit> edits;
  const bool is_known = proxy.pre_stop && proxy.pre_stop->length;
  const bool wait_in_hook =
      (settings.wait || (settings.wait_mode && is_known && !injection.wait_handler.is_null())) &&
      profile.wait.is_in_hook();
  const bool grace_in_hook = settings.grace && profile.grace.is_in_hook();
  if (proxy.is_classic() && (wait_in_hook || grace_in_hook)) {
    if (profile.hook_is_timed) {
      const auto handler = fill(profile.hook, variables(injection));
      // Without the annotations that the hook needs it stays as it is.
      if (handler && !is_hook(container.pre_stop, *handler))
        edits.emplace_back(SetPreStop{container.name, *handler});
    } else if (injection.wait_handler.is_null()) {
      if (container.pre_stop) edits.emplace_back(RemovePreStop{container.name});
    } else if (!container.pre_stop || container.pre_stop->length != proxy.wait.value ||
               container.pre_stop->until_app_exits != proxy.until_app_exits) {
      edits.emplace_back(SetPreStop{container.name, injection.wait_handler});
    }
  }
  Container told = container;
  if (settings.wait) {
    adjust(profile.wait, proxy.wait.value, told, edits);
    write_annotation(profile.wait, settings.wait->value, injection.pod, edits);
  }
  if (settings.grace) {
    adjust(profile.grace, proxy.grace.value, told, edits);
    write_annotation(profile.grace, settings.grace->value, injection.pod, edits);
  }
  write_arguments(container, told, edits);
  return edits;
}

}  // namespace gracekeeper
