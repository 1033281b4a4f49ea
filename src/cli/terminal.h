// What standard output is connected to.
#pragma once

namespace gracekeeper::cli {

// A terminal that wants colour: NO_COLOR is not set and TERM is not "dumb".
bool wants_color();
// Columns of the terminal; 100 when standard output is none.
int terminal_width();
// Whether the locale can show characters beyond ASCII.
bool shows_unicode();

}  // namespace gracekeeper::cli
