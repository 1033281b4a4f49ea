#include "cli/cluster_access.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <vector>

#include "codec/kubeconfig_codec.h"
#include "io/files.h"

namespace gracekeeper::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : value;
}

// Files that KUBECONFIG lists and that are not there are passed over, as kubectl does.
std::vector<std::string> listed_files(const std::string& list) {
  std::vector<std::string> files;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const auto end = std::min(list.find(':', begin), list.size());
    const auto file = list.substr(begin, end - begin);
    std::error_code unknown;
    if (!file.empty() && std::filesystem::exists(file, unknown)) files.push_back(file);
    begin = end + 1;
  }
  return files;
}

}  // namespace

Result<ApiAccess> kubeconfig_access(const std::string& file, const std::string& context) {
  std::vector<std::string> files;
  if (!file.empty()) {
    files = {file};
  } else if (const auto list = variable("KUBECONFIG"); !list.empty()) {
    files = listed_files(list);
    if (files.empty()) return fail(fmt::format("KUBECONFIG names no file that exists: {}", list));
  } else {
    const auto home = variable("HOME");
    if (home.empty()) return fail("there is no kubeconfig: use --kubeconfig FILE");
    files = {home + "/.kube/config"};
  }
  std::vector<Kubeconfig> read;
  for (const auto& name : files) {
    const auto text = io::read_file(name);
    if (!text) {
      Error error = text.error();
      if (file.empty()) error.message += ": use --kubeconfig FILE";
      return tl::make_unexpected(std::move(error));
    }
    auto config = read_kubeconfig(*text, name);
    if (!config) return tl::make_unexpected(config.error());
    read.push_back(*std::move(config));
  }
  return api_access(merged(read), context);
}

}  // namespace gracekeeper::cli
