//! Functions that Spark has and this dialect lacks, with what to write in their place. It refuses to compute any of them.

/// What to write in place of a function of Spark's that is missing here.
pub(crate) fn hint(name: &str) -> Option<&'static str> {
    Some(match name {
        "window" | "session_window" | "window_time" => {
            "group by date_trunc('HOUR', time), or by from_unixtime(floor(unix_timestamp(time) / 300) * 300) for five minutes"
        }
        "struct" | "named_struct" | "map" | "map_from_arrays" | "map_from_entries"
        | "map_concat" | "map_keys" | "map_values" | "map_entries" | "map_contains_key"
        | "str_to_map" | "arrays_zip" => {
            "there are no structs and maps; name the values as columns"
        }
        "transform" | "filter" | "exists" | "forall" | "aggregate" | "reduce" | "zip_with"
        | "transform_keys" | "transform_values" | "map_filter" => {
            "there are no lambda functions; explode the array and use WHERE and GROUP BY"
        }
        "to_json" | "schema_of_json" | "variant_get" | "parse_json" => {
            "get_json_object reads one field of a JSON text"
        }
        "rand"
        | "randn"
        | "random"
        | "uuid"
        | "shuffle"
        | "monotonically_increasing_id"
        | "spark_partition_id" => "an answer must be the same every time it is asked for",
        "input_file_name" | "input_file_block_start" => {
            "every row has source_file and source_offset"
        }
        "current_user" | "user" | "session_user" | "current_database" | "current_catalog"
        | "version" => "there is no session to ask about",
        "xxhash64" | "hash" => "md5, sha1, sha2 and crc32 are there",
        "approx_top_k" | "histogram_numeric" | "count_min_sketch" | "hll_sketch_agg" => {
            "GROUP BY gives exact counts"
        }
        "listagg" | "string_agg" => "write array_join(collect_list(x), ',')",
        "mode" => "GROUP BY the value and ORDER BY count(*) DESC",
        "typeof" => "EXPLAIN shows the types of a plan",
        "try_add" | "try_subtract" | "try_multiply" | "try_divide" | "try_sum" | "try_avg"
        | "try_mod" => "the plain operator gives null where it has no result",
        "decimal" | "to_number" | "try_to_number" | "to_char" | "to_varchar" => {
            "cast to DOUBLE or BIGINT; format_number and format_string make text"
        }
        "reflect" | "java_method" | "try_reflect" => "queries only read the recorded events",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions;

    #[test]
    fn what_is_there_is_not_called_missing() {
        for name in functions::names(&[]) {
            assert_eq!(hint(name), None, "{name}");
        }
    }
}
