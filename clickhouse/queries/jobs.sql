-- Jobs as they are now. {{columns}} is the row or a count.
SELECT {{columns}} FROM jobs FINAL WHERE {{filter}} {{tail}}
