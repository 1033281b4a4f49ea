// What `gracekeeper why` shows: diagnoses for people and for programs.
#pragma once

#include <span>
#include <string>

#include "postmortem/diagnosis.h"

namespace gracekeeper {

struct WhyTextStyle {
  bool color = false;
  int width = 80;  // columns; narrower than 60 is taken as 60
};

// What happened, what was planned, which budget ran out, what would have prevented it.
std::string render_why_text(std::span<const postmortem::Diagnosis> diagnoses,
                            const WhyTextStyle& style);

// The contract for programs (docs/why.md): {"pods": […]}, times in seconds.
std::string render_why_json(std::span<const postmortem::Diagnosis> diagnoses);

}  // namespace gracekeeper
