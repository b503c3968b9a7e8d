"""OWASP ASVS 5.0.0, levels 1 and 2, by requirement: the tests that show it, or what is missing.

`python -m tests.contract.asvs > docs/asvs.md` writes the page; a test holds it against this file, and this file against
the tests that there are. The requirements' own words are in the standard (github.com/OWASP/ASVS, 5.0).
"""

# ruff: noqa: E501  a requirement a line
from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

AUTH, OAUTH = "tests/integration/auth/test_", "tests/integration/auth/oauth/test_"
GATE, LIVE = "tests/unit/gateway/test_", "tests/integration/realtime/test_"
CONTRACT, SERVED = "tests/contract/test_", "tests/integration/serving/test_"
UNIT, RPC = "tests/unit/shared/test_", "tests/unit/shared/rpc/test_"
CODE = "tests/unit/shared/transcode/test_"
PASS = "tests/unit/services/auth/test_"

REQUIREMENTS: Mapping[str, tuple[str, str]] = {
    "V1.1": ("", "1-2"), "V1.2": ("1-5", "6-9"), "V1.3": ("1-2", "3-11"), "V1.4": ("", "1-3"), "V1.5": ("1", "2"),
    "V2.1": ("1", "2-3"), "V2.2": ("1-2", "3"), "V2.3": ("1", "2-4"), "V2.4": ("", "1"),
    "V3.2": ("1-2", ""), "V3.3": ("1", "2-4"), "V3.4": ("1-2", "3-6"), "V3.5": ("1-3", "4-5"), "V3.7": ("", "1-2"),
    "V4.1": ("1", "2-3"), "V4.2": ("", "1"), "V4.3": ("", "1-2"), "V4.4": ("1", "2-4"),
    "V5.1": ("", "1"), "V5.2": ("1-2", "3"), "V5.3": ("1-2", ""), "V5.4": ("", "1-3"),
    "V6.1": ("1", "2-3"), "V6.2": ("1-8", "9-12"), "V6.3": ("1-2", "3-4"), "V6.4": ("1-2", "3-4"),
    "V6.5": ("", "1-5"), "V6.6": ("", "1-3"), "V6.8": ("", "1-4"),
    "V7.1": ("", "1-3"), "V7.2": ("1-4", ""), "V7.3": ("", "1-2"), "V7.4": ("1-2", "3-5"), "V7.5": ("", "1-2"),
    "V7.6": ("", "1-2"), "V8.1": ("1", "2"), "V8.2": ("1-2", "3"), "V8.3": ("1", ""), "V8.4": ("", "1"),
    "V9.1": ("1-3", ""), "V9.2": ("1", "2-4"),
    "V10.1": ("", "1-2"), "V10.2": ("", "1-2"), "V10.3": ("", "1-4"), "V10.4": ("1-5", "6-11"),
    "V10.5": ("", "1-5"), "V10.6": ("", "1-2"), "V10.7": ("", "1-3"),
    "V11.1": ("", "1-2"), "V11.2": ("", "1-3"), "V11.3": ("1-2", "3"), "V11.4": ("1", "2-4"), "V11.5": ("", "1"),
    "V11.6": ("", "1"), "V12.1": ("1", "2-3"), "V12.2": ("1-2", ""), "V12.3": ("", "1-4"),
    "V13.1": ("", "1"), "V13.2": ("", "1-5"), "V13.3": ("", "1-2"), "V13.4": ("1", "2-5"),
    "V14.1": ("", "1-2"), "V14.2": ("1", "2-4"), "V14.3": ("1", "2-3"),
    "V15.1": ("1", "2-3"), "V15.2": ("1", "2-3"), "V15.3": ("1", "2-7"),
    "V16.1": ("", "1"), "V16.2": ("", "1-5"), "V16.3": ("", "1-4"), "V16.4": ("", "1-3"), "V16.5": ("", "1-3"),
    "V17.1": ("", "1"), "V17.2": ("", "1-4"), "V17.3": ("", "1-2"),
}  # fmt: skip
"""Section → its requirements of level 1 and of level 2. Those of level 3 are not looked at."""

SHOWN: Mapping[str, tuple[str, ...]] = {
    "V1.1.1": (f"{GATE}errors.py::test_an_encoded_slash_stays_inside_its_field",),
    "V1.2.1": (f"{CONTRACT}hostile_input.py::test_whatever_is_typed_is_data_or_refused",),
    "V1.2.2": (f"{CODE}long_work.py::test_a_name_makes_no_header_of_its_own", f"{CODE}forms.py::test_what_is_no_address_is_not_redirected_to"),
    "V1.2.3": (f"{CONTRACT}json_form.py::test_free_json_is_written_as_it_was",),
    "V1.2.4": (f"{CONTRACT}hostile_input.py::test_whatever_is_typed_is_data_or_refused", f"{UNIT}system_query.py::test_an_unknown_column_is_refused_wherever_it_is_named"),
    "V1.3.6": (f"{GATE}webhooks.py::test_addresses_of_special_use_are_not_public", "tests/unit/gateway/registered/test_registration.py::test_where_no_system_is_or_may_be_is_refused"),
    "V1.4.2": (f"{CODE}body.py::test_a_length_too_large_or_written_to_annoy_is_refused",),
    "V1.5.2": (f"{GATE}errors.py::test_a_body_that_cannot_be_read_says_why",),
    "V2.1.1": (f"{CONTRACT}contracts.py::test_the_document_is_valid_openapi_3_1", f"{CONTRACT}contracts.py::test_the_document_holds_exactly_the_published_methods"),
    "V2.2.1": (f"{CODE}validation.py::test_a_value_against_its_rule_is_refused_by_name",),
    "V2.2.2": (f"{GATE}errors.py::test_wrong_fields_of_a_body_are_all_named",),
    "V2.3.1": (f"{AUTH}mfa.py::test_a_made_up_challenge_is_none", f"{AUTH}mfa.py::test_a_challenge_belongs_to_its_account"),
    "V2.3.2": (f"{AUTH}api_keys.py::test_nobody_has_keys_without_end", f"{SERVED}gateway_store.py::test_of_rules_added_at_once_by_several_gateways_each_name_is_there_once_and_no_more_than_may_be"),
    "V2.3.3": (f"{AUTH}migrations.py::test_a_transaction_that_raises_leaves_nothing",),
    "V2.3.4": ("tests/integration/operations/test_operations.py::test_the_bounds_hold_for_several_replicas_that_add_at_once",),
    "V2.4.1": (f"{GATE}rate_limits.py::test_a_call_over_the_limit_reaches_no_service",),
    "V3.2.1": (f"{GATE}web_and_health.py::test_the_applications_own_paths_answer_it_with_a_fresh_nonce",),
    "V3.4.3": (f"{GATE}web_and_health.py::test_the_pages_about_the_api_have_no_inline_script",),
    "V3.5.3": (f"{GATE}errors.py::test_a_wrong_method_says_which_are_allowed",),
    "V3.7.2": (f"{OAUTH}attacks.py::test_there_is_no_redirect_to_what_the_client_did_not_register",),
    "V4.1.1": (f"{GATE}web_and_health.py::test_every_body_says_what_it_is_and_texts_their_characters",),
    "V4.1.3": (f"{GATE}rate_limits.py::test_the_caller_is_the_last_address_that_a_trusted_proxy_saw", f"{UNIT}client.py::test_what_an_edge_tells_comes_back_and_fits_into_a_header"),
    "V4.4.2": (f"{LIVE}admission.py::test_pages_of_elsewhere_may_not_connect",),
    "V4.4.3": (f"{LIVE}admission.py::test_a_ticket_opens_one_connection", f"{LIVE}admission.py::test_a_connection_ends_with_its_token"),
    "V4.4.4": (f"{LIVE}admission.py::test_a_ticket_needs_a_token",),
    "V5.2.1": (f"{GATE}errors.py::test_a_body_that_grows_too_large_while_it_is_sent_is_refused",),
    "V6.2.1": (f"{PASS}passwords.py::test_a_weak_password_is_refused_with_what_is_missing",),
    "V6.2.2": (f"{AUTH}recovery.py::test_a_changed_password_ends_the_other_sessions_alone",),
    "V6.2.3": (f"{AUTH}recovery.py::test_a_password_changes_only_for_who_knows_the_present_one",),
    "V6.2.4": (f"{PASS}passwords.py::test_a_weak_password_is_refused_with_what_is_missing", f"{PASS}passwords.py::test_the_list_of_common_passwords_is_small_and_in_one_form"),
    "V6.2.5": (f"{PASS}passwords.py::test_a_strong_password_is_taken",),
    "V6.2.6": (f"{CONTRACT}source.py::test_passwords_are_asked_for_in_masked_fields_that_password_managers_fill",),
    "V6.2.7": (f"{CONTRACT}source.py::test_passwords_are_asked_for_in_masked_fields_that_password_managers_fill",),
    "V6.2.8": (f"{PASS}passwords.py::test_a_password_beyond_the_limit_is_wrong_and_not_cut",),
    "V6.2.12": (f"{PASS}breached.py::test_a_breached_password_is_refused_and_not_repeated",),
    "V6.3.1": (f"{AUTH}attempts.py::test_guessing_at_once_gains_nothing", f"{AUTH}attempts.py::test_one_address_cannot_try_one_password_on_many_accounts"),
    "V6.3.4": (f"{AUTH}api_keys.py::test_a_key_may_nothing_while_its_owner_lacks_a_second_factor_that_their_role_needs",),
    "V6.4.1": (f"{AUTH}users.py::test_who_is_invited_chooses_a_password_by_mail", f"{AUTH}recovery.py::test_a_link_ends_by_itself"),
    "V6.4.4": (f"{AUTH}users.py::test_who_has_lost_phone_and_codes_is_let_in_again_by_an_administrator",),
    "V6.5.1": (f"{AUTH}mfa.py::test_no_code_works_twice_even_for_another_login", f"{AUTH}mfa.py::test_a_recovery_code_works_once_however_it_is_typed"),
    "V6.5.5": (f"{AUTH}mfa.py::test_a_challenge_ends_after_five_minutes", f"{AUTH}mfa.py::test_a_clock_may_be_off_by_one_step"),
    "V7.2.1": (f"{CONTRACT}token_attacks.py::test_the_gateway_lets_no_forged_token_through",),
    "V7.2.3": (f"{AUTH}sessions.py::test_a_refresh_token_is_256_random_bits_that_no_other_has",),
    "V7.2.4": (f"{AUTH}sessions.py::test_a_refresh_rotates_within_one_session", f"{AUTH}sessions.py::test_a_spent_refresh_token_revokes_its_family"),
    "V7.3.1": (f"{AUTH}sessions.py::test_a_refresh_token_left_alone_for_fourteen_days_is_dead",),
    "V7.3.2": (f"{AUTH}sessions.py::test_a_session_slides_fourteen_days_and_ends_after_ninety",),
    "V7.4.1": (f"{AUTH}service.py::test_a_logout_is_felt_in_another_process", f"{AUTH}replicas.py::test_what_one_process_ends_every_other_refuses"),
    "V7.4.2": (f"{AUTH}users.py::test_a_disabled_user_is_out_and_comes_back", f"{AUTH}sessions.py::test_deleting_a_user_takes_sessions_and_tokens_along"),
    "V7.4.3": (f"{AUTH}recovery.py::test_a_forgotten_password_is_replaced_and_every_session_ends",),
    "V7.4.5": (f"{AUTH}rest.py::test_an_administrator_ends_the_sessions_of_somebody",),
    "V7.5.1": (f"{AUTH}recovery.py::test_another_address_needs_the_password_and_must_be_free", f"{AUTH}mfa.py::test_it_takes_the_password_to_enrol_and_both_to_turn_it_off"),
    "V8.2.1": (f"{CONTRACT}access.py::test_each_endpoint_lets_in_whom_its_policy_says", f"{CONTRACT}access.py::test_every_route_of_the_gateway_is_in_the_matrix"),
    "V8.2.2": (f"{SERVED}policy_everywhere.py::test_every_door_and_form_tells_a_caller_the_same_rows_and_no_others", f"{AUTH}api_keys.py::test_nobody_touches_the_keys_of_another"),
    "V8.2.3": (f"{SERVED}personal_columns.py::test_without_pii_read_no_byte_of_an_answer_tells_a_name_or_that_there_are_any",),
    "V8.3.1": (f"{SERVED}personal_columns.py::test_over_grpc_the_same_holds",),
    "V9.1.1": (f"{CONTRACT}token_attacks.py::test_the_verifier_refuses_a_forged_token_without_saying_why",),
    "V9.1.2": (f"{CONTRACT}token_attacks.py::test_the_corpus_is_large_enough_and_no_two_attacks_are_alike",),
    "V9.1.3": (f"{CONTRACT}token_attacks.py::test_made_up_key_ids_do_not_become_calls_to_auth",),
    "V9.2.1": (f"{CONTRACT}token_attacks.py::test_the_verifier_refuses_a_token_whose_time_is_over",),
    "V9.2.2": (f"{OAUTH}attacks.py::test_codes_and_tokens_of_other_kinds_are_no_grant",),
    "V9.2.3": (f"{PASS}system_tokens.py::test_it_holds_for_that_system_and_nowhere_else",),
    "V9.2.4": (f"{PASS}system_tokens.py::test_no_other_token_of_the_platforms_own_parts_is_made",),
    "V10.3.1": (f"{AUTH}system_tokens.py::test_nothing_is_swapped_for_no_token_a_forged_one_a_spent_one_or_a_systems_own",),
    "V10.3.2": (f"{CONTRACT}access.py::test_a_token_that_a_program_holds_does_nothing_meant_for_the_person",),
    "V10.4.1": (f"{OAUTH}attacks.py::test_there_is_no_redirect_to_what_the_client_did_not_register",),
    "V10.4.2": (f"{OAUTH}attacks.py::test_a_code_used_twice_revokes_what_it_gave",),
    "V10.4.3": (f"{OAUTH}attacks.py::test_a_code_is_dead_after_a_minute",),
    "V10.4.5": (f"{OAUTH}attacks.py::test_a_spent_refresh_token_ends_the_clients_session",),
    "V10.4.6": (f"{OAUTH}attacks.py::test_pkce_cannot_be_left_out_or_weakened",),
    "V10.4.8": (f"{AUTH}sessions.py::test_a_session_slides_fourteen_days_and_ends_after_ninety",),
    "V10.4.9": (f"{OAUTH}consents.py::test_withdrawing_ends_what_the_program_holds_and_it_must_ask_again",),
    "V10.4.10": (f"{OAUTH}attacks.py::test_a_confidential_client_is_none_without_its_secret",),
    "V10.4.11": (f"{OAUTH}attacks.py::test_nobody_gets_more_scope_than_was_agreed_to",),
    "V10.6.1": (f"{OAUTH}attacks.py::test_what_is_not_offered_is_told_to_the_client",),
    "V10.7.1": (f"{OAUTH}consents.py::test_only_what_was_meant_to_be_remembered_is", f"{OAUTH}consents.py::test_on_loopback_any_program_may_listen_so_nothing_is_remembered"),
    "V10.7.3": (f"{OAUTH}consents.py::test_withdrawing_ends_what_the_program_holds_and_it_must_ask_again",),
    "V11.1.1": (f"{PASS}keys.py::test_a_new_key_is_published_before_it_signs_and_the_old_one_stays_until_its_tokens_are_dead",),
    "V11.3.2": (f"{CONTRACT}source.py::test_sources_hash_by_sha_256_or_blake2_and_seal_by_aes_gcm",),
    "V11.4.2": (f"{PASS}passwords.py::test_the_hash_has_owasps_parameters", f"{AUTH}accounts.py::test_a_login_renews_a_hash_of_older_parameters"),
    "V12.1.3": (f"{RPC}tls.py::test_services_with_certificates_talk_and_others_do_not",),
    "V12.3.2": ("tests/unit/gateway/registered/test_tls.py::*",),
    "V13.2.4": ("tests/unit/gateway/registered/test_address.py::*", f"{GATE}webhooks.py::test_a_host_does_not_pass_for_another_at_the_same_address"),
    "V13.4.5": (f"{CONTRACT}access.py::test_no_internal_method_has_a_path",),
    "V14.2.1": (f"{AUTH}recovery.py::test_a_link_stands_in_the_mail_alone", f"{LIVE}admission.py::test_no_log_tells_a_ticket"),
    "V14.2.2": (f"{GATE}cache.py::test_what_holds_secrets_sets_cookies_or_changes_something_is_never_kept",),
    "V14.2.4": (f"{AUTH}users.py::test_of_an_erased_user_nothing_personal_is_left_but_the_audit_stays",),
    "V15.1.3": ("tests/integration/operations/test_operations.py::test_the_queue_is_bounded_for_all_and_for_each",),
    "V15.2.2": (f"{AUTH}rest.py::test_while_logins_fill_the_hashing_pool_every_other_call_is_answered", f"{RPC}resilience.py::test_calls_beyond_the_bound_are_not_begun"),
    "V15.3.1": (f"{SERVED}personal_columns.py::test_the_catalogue_lists_personal_columns_to_those_who_may_see_them_alone",),
    "V15.3.2": ("tests/integration/alerts/test_notices.py::test_a_no_is_taken_for_one_and_no_redirect_is_followed",),
    "V15.3.3": (f"{GATE}errors.py::test_wrong_fields_of_a_body_are_all_named",),
    "V15.3.4": (f"{GATE}rate_limits.py::test_the_caller_is_the_last_address_that_a_trusted_proxy_saw",),
    "V15.3.7": (f"{CODE}forms.py::test_a_query_parameter_given_twice_is_refused_there_too",),
    "V16.2.1": (f"{AUTH}audit.py::test_what_was_done_is_told_with_who_and_from_where", f"{UNIT}telemetry.py::test_a_log_entry_names_its_service_and_trace"),
    "V16.2.4": (f"{UNIT}telemetry.py::test_logs_of_libraries_go_the_same_way",),
    "V16.2.5": (f"{UNIT}telemetry.py::test_no_secret_reaches_the_log", f"{OAUTH}clients.py::test_no_secret_of_oauth_reaches_the_log"),
    "V16.4.2": (f"{AUTH}audit.py::test_the_database_refuses_to_change_what_was_written", f"{AUTH}audit.py::test_a_change_past_the_triggers_is_seen"),
    "V16.5.1": (f"{GATE}errors.py::test_a_crash_in_a_service_leaks_nothing",),
    "V16.5.2": (f"{RPC}resilience.py::test_a_service_that_is_gone_is_left_alone_and_found_again",),
    "V16.5.3": (f"{AUTH}outage.py::test_without_the_database_no_heartbeat_vouches_for_the_list_and_tokens_cannot_be_shown_good",),
    "V1.2.5": (f"{CONTRACT}source.py::test_no_source_runs_a_shell_evaluates_text_or_unpacks_objects",),
    "V1.3.2": (f"{CONTRACT}source.py::test_no_source_runs_a_shell_evaluates_text_or_unpacks_objects",),
    "V1.3.11": ("tests/integration/mail/test_mailers.py::test_no_header_can_be_smuggled_in",),
    "V3.2.2": (f"{CONTRACT}source.py::test_the_web_application_writes_text_and_no_markup",),
    "V3.3.2": (f"{GATE}answers.py::test_a_browser_gets_the_refresh_token_as_a_cookie_only_the_server_reads",),
    "V3.3.4": (f"{GATE}answers.py::test_a_browser_gets_the_refresh_token_as_a_cookie_only_the_server_reads",),
    "V3.4.2": (f"{GATE}answers.py::test_other_sites_may_call_only_where_the_settings_say",),
    "V3.4.4": (f"{GATE}answers.py::test_every_answer_has_the_headers_that_guard_the_user", f"{CONTRACT}hostile_input.py::test_whatever_is_typed_is_data_or_refused"),
    "V3.4.5": (f"{GATE}answers.py::test_every_answer_has_the_headers_that_guard_the_user",),
    "V3.4.6": (f"{GATE}answers.py::test_every_answer_has_the_headers_that_guard_the_user",),
    "V3.5.1": (f"{GATE}answers.py::test_a_page_of_another_site_cannot_use_the_cookie",),
    "V3.5.2": (f"{GATE}answers.py::test_a_page_of_another_site_cannot_use_the_cookie", f"{GATE}errors.py::test_a_body_that_cannot_be_read_says_why"),
    "V4.2.1": ("tests/unit/shared/rpc/test_boundaries.py::test_nothing_after_a_request_that_can_be_read_in_two_ways_is_taken_for_another", f"{GATE}shedding.py::test_anything_but_one_whole_plain_question_is_left_to_the_middleware"),
    "V5.3.2": (f"{GATE}web_and_health.py::test_a_file_that_is_not_there_is_not_the_application", f"{CONTRACT}hostile_input.py::test_whatever_is_typed_is_data_or_refused"),
    "V6.3.2": (f"{AUTH}accounts.py::test_there_is_no_account_that_nobody_made",),
    "V6.4.2": (f"{CONTRACT}source.py::test_nobody_is_asked_for_a_hint_or_a_secret_question",),
    "V7.2.2": (f"{UNIT}tokens.py::test_two_tokens_of_one_moment_differ", f"{AUTH}sessions.py::test_a_refresh_rotates_within_one_session"),
    "V10.4.4": (f"{OAUTH}attacks.py::test_other_grants_are_refused", f"{OAUTH}flows.py::test_the_password_grant_is_for_swagger_alone"),
    "V13.4.1": (f"{GATE}web_and_health.py::test_hidden_files_and_folders_of_the_build_are_not_told",),
    "V13.4.3": (f"{GATE}web_and_health.py::test_hidden_files_and_folders_of_the_build_are_not_told",),
    "V13.4.4": (f"{GATE}process.py::test_a_request_is_not_sent_back_to_who_sent_it",),
    "V14.3.2": ("tests/integration/auth/test_rest.py::test_a_key_may_what_its_scopes_say_in_either_header", f"{GATE}answers.py::test_an_answer_that_holds_a_token_is_never_compressed"),
}  # fmt: skip
"""Requirement → tests that fail where it is broken; `*`: the file as a whole."""

NOT_MET: Mapping[str, str] = {
    "V3.3.1": "over http, on one machine, cookies are neither Secure nor named `__Secure-`; over https they are both",
    "V3.3.3": "the refresh cookie is bound to /api/v1/auth, which `__Host-` does not allow",
    "V3.4.1": "HSTS is off until HSTS_SECONDS is set: the gateway leaves TLS to the proxy before it",
    "V4.4.1": "as V12.1.1: wss is the proxy's before the gateway; ws is served where it speaks plain HTTP",
    "V5.4.3": "files that importers read are not scanned for malware",
    "V6.1.2": "no list of words of the shop's own beside name and address",
    "V6.2.11": "as V6.1.2",
    "V6.3.3": "a second factor is offered to all and required of roles by REQUIRE_MFA_ROLES, of none by default",
    "V6.5.2": "recovery codes hold 80 bits and are stored as a plain SHA-256, not by a password hash",
    "V7.1.2": "the number of sessions of one account is not bounded",
    "V7.5.2": "sessions are ended without asking for the password again",
    "V11.1.2": "no inventory of its own; keys and algorithms are told where they are used",
    "V11.2.2": "sealed secrets and PEMs carry no version of their algorithm",
    "V11.2.3": "RSA keys have 2,048 bits, which is 112 bits of security",
    "V11.3.1": "access tokens are RS256, which is PKCS#1 v1.5 (for signatures, as RFC 8725 allows)",
    "V11.4.1": "codes of authenticator apps are HMAC-SHA-1, as RFC 6238 and the apps have it; our own sources hash by SHA-256 and BLAKE2, as a test holds",
    "V12.1.1": "TLS outwards is the proxy's before the gateway",
    "V12.1.2": "as V12.1.1",
    "V12.2.1": "as V12.1.1",
    "V12.2.2": "as V12.1.1",
    "V12.3.1": "on one machine processes talk in the clear over loopback; TLS between them is a setting",
    "V12.3.3": "as V12.3.1",
    "V13.3.1": "secrets are files of mode 600 or environment variables; no vault is spoken to",
    "V15.1.1": "no time limits for mending components are written down",
    "V15.1.2": "versions are locked by hash, but there is no SBOM",
    "V15.2.1": "as V15.1.1; nothing looks for known holes by itself",
    "V16.1.1": "no inventory of logs",
    "V16.3.2": "calls refused for a missing permission are counted, not logged one by one",
    "V16.4.3": "logs go to standard output; taking them elsewhere is the operator's",
}

DOCUMENTED: Mapping[str, tuple[str, str]] = {
    "V6.1.1": ("docs/security.md", "| Guessing |"),
    "V8.1.1": ("docs/auth.md", "`shared/permissions.py` says what each role may do"),
}
"""What the standard wants written down, and by which words it begins there."""

NOT_APPLICABLE: Mapping[str, str] = {
    "V1.2.6 V1.2.7 V1.2.8 V1.3.1 V1.3.4 V1.3.8 V1.3.9 V1.5.1": "no LDAP, XPath, LaTeX, HTML or SVG of callers, JNDI, memcached or XML",
    "V4.3.1 V4.3.2": "no GraphQL",
    "V5.1.1 V5.2.2 V5.2.3 V5.3.1 V5.4.1": "no files are uploaded over HTTP",
    "V6.6.1 V6.6.2 V6.6.3": "no codes by SMS, mail or push",
    "V6.8.1 V6.8.2 V6.8.3 V6.8.4 V7.1.3 V7.6.1 V7.6.2": "no identity provider but our own",
    "V8.4.1": "one shop an installation",
    "V10.1.2 V10.2.1 V10.2.2 V10.5.1 V10.5.2 V10.5.3 V10.5.4 V10.5.5": "the platform is a client of nobody",
    "V10.4.7": "clients are registered at a shell",
    "V10.6.2": "no logout asked for by clients",
    "V17.1.1 V17.2.1 V17.2.2 V17.2.3 V17.2.4 V17.3.1 V17.3.2": "no WebRTC",
}  # fmt: skip


def of_level(level: int) -> list[str]:
    """Return the requirements of a level, in order."""
    return [f"{section}.{number}" for section, levels in REQUIREMENTS.items() for number in numbers(levels[level - 1])]


def numbers(span: str) -> Iterator[int]:
    """Yield the numbers in a span such as `1-5`."""
    if span:
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


def place(requirement: str) -> tuple[int, ...]:
    """Return where a requirement stands in the standard."""
    return tuple(map(int, requirement[1:].split(".")))


def not_applicable() -> dict[str, str]:
    """Return requirement → why it does not apply."""
    return {one: why for several, why in NOT_APPLICABLE.items() for one in several.split()}


def unshown() -> list[str]:
    """Return the requirements that stand in none of the lists."""
    known = {*SHOWN, *NOT_MET, *DOCUMENTED, *not_applicable()}
    return sorted({*of_level(1), *of_level(2)} - known, key=place)


def page() -> str:
    """Return the page of documentation."""
    both = {one: level for level in (1, 2) for one in of_level(level)}
    lines = [
        "# OWASP ASVS 5.0.0, levels 1 and 2, by requirement",
        "",
        "Made by `python -m tests.contract.asvs` from `tests/contract/asvs.py`; a test holds it against the tests there are.",
        "Written by us, not by an assessor. By section, with what is done: [security](security.md).",
        "",
        f"Of {len(both)} requirements {len(SHOWN)} are shown by a test, {len(NOT_MET)} are not met or not wholly, "
        f"{len(DOCUMENTED)} are wanted in writing and written, {len(not_applicable())} do not apply; of {len(unshown())} no test of ours says anything.",
        "",
        "## Shown by a test",
        "",
        "| requirement | level | tests |",
        "|---|---|---|",
        *(f"| {one} | {both[one]} | {'<br>'.join(map(told, SHOWN[one]))} |" for one in sorted(SHOWN, key=place)),
        "",
        "## Not met, or not wholly",
        "",
        "| requirement | level | what is missing |",
        "|---|---|---|",
        *(f"| {one} | {both[one]} | {NOT_MET[one]} |" for one in sorted(NOT_MET, key=place)),
        "",
        "## Wanted in writing, and written",
        "",
        *(f"- {one}: `{path}`" for one, (path, _) in DOCUMENTED.items()),
        "",
        "## Does not apply",
        "",
        "| requirements | why |",
        "|---|---|",
        *(f"| {several.replace(' ', ', ')} | {why} |" for several, why in NOT_APPLICABLE.items()),
        "",
        "## Said by no test of ours",
        "",
        "Documents, design, or what only a look at the code or a running installation shows; not claimed here: " + ", ".join(unshown()) + ".",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def told(test: str) -> str:
    """Return a test as the page names it."""
    path, _, name = test.partition("::")
    return f"`{path.removeprefix('tests/')}`" + (
        "" if name == "*" else f" {name.removeprefix('test_').replace('_', ' ')}"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
