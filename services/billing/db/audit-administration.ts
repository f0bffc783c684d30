/** Events of the trail of administration that are not what they were, or that were taken from it or put into it. */
export const wrongAdministration = [
  `select format('event %s (%s): number %s, should be %s; %s', event_id, procedure, number, right_number,
       case when previous_hash is distinct from right_previous then 'it does not follow from the event before it'
            when hash <> right_hash then 'it was altered' else 'an event before it is missing' end)
     from (select a.event_id, a.procedure, a.number, a.hash, a.previous_hash, row_number() over w as right_number,
             coalesce(lag(a.hash) over w, sha256(convert_to('the trail of administration', 'UTF8'))) as right_previous,
             billing.administration_hash(a) as right_hash
           from billing.administration a window w as (order by a.number)) e
    where number <> right_number or previous_hash is distinct from right_previous or hash <> right_hash`,
  `select format('the trail ends with number %s, should be %s', coalesce(last.number, 0), head.number)
     from billing.administration_head head
     left join (select number, hash from billing.administration order by number desc limit 1) last on true
    where head.number <> coalesce(last.number, 0) or (last.hash is not null and last.hash <> head.hash)`,
];
