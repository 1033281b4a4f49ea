#include "report/explain_report.h"
namespace gracekeeper {}
