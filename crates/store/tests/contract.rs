//! Every repository passes the same tests on SQLite and on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "contract/access.rs"]
mod access;
#[path = "contract/accounts.rs"]
mod accounts;
#[path = "contract/catalogue.rs"]
mod catalogue;
#[path = "contract/deletions.rs"]
mod deletions;
#[path = "contract/duplicates.rs"]
mod duplicates;
#[path = "contract/fixture.rs"]
mod fixture;
#[path = "contract/integrations.rs"]
mod integrations;
#[path = "contract/jobs.rs"]
mod jobs;
#[path = "contract/listing.rs"]
mod listing;
#[path = "contract/mail.rs"]
mod mail;
#[path = "contract/materials.rs"]
mod materials;
#[path = "contract/profiles.rs"]
mod profiles;
#[path = "contract/row_security.rs"]
mod row_security;
#[path = "contract/runs.rs"]
mod runs;
#[path = "contract/sources.rs"]
mod sources;
#[path = "contract/surveys.rs"]
mod surveys;
#[path = "contract/tracking.rs"]
mod tracking;

/// Runs each of the named functions with a fixture of either engine.
macro_rules! on_both_engines {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                crate::$module::$name(&crate::fixture::Fixture::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let Some(fixture) = crate::fixture::Fixture::postgres().await else { return };
                crate::$module::$name(&fixture).await;
            })*
        }
    };
}

on_both_engines!(
    access::keys_belong_to_one_person_and_are_found_by_their_name,
    access::a_revoked_key_stays_revoked,
    access::sessions_end_and_give_way_to_newer_ones,
    access::a_credential_that_is_named_can_be_read_and_no_other,
    access::credentials_go_with_their_person,
    accounts::the_local_person_is_made_once,
    accounts::external_people_are_known_by_their_subject,
    accounts::many_at_once_make_one_person,
    catalogue::a_posting_is_found_by_its_keys_and_blocks,
    catalogue::candidates_are_the_newest_of_a_block,
    catalogue::a_change_replaces_content_and_blocks,
    catalogue::a_posting_moves_to_another_home,
    catalogue::postings_of_an_earlier_form_are_prepared_once,
    catalogue::links_keep_where_a_posting_was_seen,
    catalogue::a_posting_closes_after_two_misses_and_a_repost_opens_it,
    catalogue::a_posting_on_another_complete_board_stays_open,
    catalogue::features_stream_in_order_without_closed_postings,
    catalogue::the_fingerprint_ignores_ids_times_and_order,
    catalogue::pairs_are_found_from_either_side,
    catalogue::batches_larger_than_one_statement_arrive_whole,
    catalogue::hostile_text_is_kept,
    catalogue::two_ingests_at_once_add_a_posting_once,
    deletions::not_one_row_is_left_and_others_keep_theirs,
    deletions::what_was_broken_off_goes_on,
    deletions::what_comes_late_goes_too_and_then_it_is_done,
    deletions::a_deleted_person_is_refused_and_their_subject_remembered,
    deletions::whoever_sits_at_the_machine_begins_anew,
    duplicates::a_pair_is_asked_about_once,
    duplicates::joined_jobs_leave_the_list_until_they_are_split,
    integrations::integrations_have_names_of_their_own_and_can_be_switched_off,
    integrations::deliveries_go_with_their_integration_and_files_with_their_delivery,
    integrations::what_is_sealed_opens_for_the_same_person_and_purpose_only,
    jobs::a_posting_becomes_one_job,
    jobs::a_move_is_fenced_and_can_be_taken_back,
    jobs::notes_are_guarded_by_the_version,
    jobs::older_scores_do_not_overwrite_newer_ones,
    jobs::purged_postings_never_come_back,
    jobs::archiving_moves_whole_statuses_with_history,
    jobs::decisions_leave_out_what_was_taken_back,
    jobs::every_job_is_streamed,
    jobs::snapshots_follow_the_posting,
    listing::filters_narrow_the_list,
    listing::text_asks_for_every_word_and_the_beginning_of_the_last,
    listing::no_text_breaks_the_search,
    listing::pages_hold_every_job_once_in_every_order,
    materials::materials_are_listed_by_kind_and_go_with_their_job,
    materials::versions_are_numbered_and_the_chosen_one_stays,
    materials::pictures_are_kept_until_they_are_read,
    materials::there_is_one_resume_and_one_way_of_writing,
    mail::accounts_keep_their_password_sealed_and_their_state,
    mail::a_mail_is_kept_once_and_outlives_its_job,
    mail::a_suggestion_is_decided_once,
    profiles::the_profile_counts_its_versions,
    profiles::search_profiles_keep_their_order_and_names,
    runs::a_run_and_its_sources_are_written_over,
    runs::runs_are_listed_newest_first_in_pages,
    sources::health_counts_failures_until_a_success,
    sources::answers_are_cached_by_address_and_query,
    surveys::surveys_are_listed_newest_first_and_go_with_their_job,
    tracking::appointments_are_kept_in_order_of_time,
    tracking::reminders_that_a_move_set_go_and_others_stay,
    tracking::a_joined_job_hands_everything_over_and_a_purged_one_takes_it_along,
);
