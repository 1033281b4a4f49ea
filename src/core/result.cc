#include "core/result.h"

namespace gracekeeper {

std::string to_string(const Error& error) {
  std::string out;
  if (!error.file.empty()) {
    out += error.file;
    if (error.position.line > 0) {
      out += ':' + std::to_string(error.position.line);
      if (error.position.column > 0) out += ':' + std::to_string(error.position.column);
    }
    out += ": ";
  } else if (error.position.line > 0) {
    out += "line " + std::to_string(error.position.line) + ", column " +
           std::to_string(error.position.column) + ": ";
  }
  if (!error.path.empty()) out += error.path + ": ";
  return out + error.message;
}

}  // namespace gracekeeper
