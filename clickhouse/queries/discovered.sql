-- What a query has found so far, and why it was not taken; empty: it was.
SELECT full_name, rejected, is_new, found_at FROM discoveries FINAL WHERE forge = {forge:String} AND query = {query:String}
