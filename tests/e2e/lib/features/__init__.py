"""What each contract can do, found out by doing it; every function gives the cell of one contract."""

from . import groups, operator, receipts, receiving, sending, shown, taking_back

FEATURES = (
    ("Sending", (
        ("a message to one user", sending.private_send),
        ("the first message to a user", sending.send_to_stranger),
        ("a message to a group", sending.group_send),
        ("the same client id again, same content: the original", sending.repeat),
        ("the same client id again, other content", sending.other_content),
        ("forward", sending.forward),
        ("to nobody", sending.to_nobody),
        ("to a group one is not in", sending.stranger_speaks),
        ("to a group in which one is muted", sending.muted_speaks),
    )),
    ("Receiving", (
        ("pushed live", receiving.live_push),
        ("what was missed", receiving.missed),
        ("history", receiving.history),
        ("unread count", receiving.unread),
        ("unread count after a live push", receiving.unread_after_push),
        ("sessions per user", receiving.sessions),
    )),
    ("Receipts", (
        ("a push counts as delivered", receipts.delivered_by_push),
        ("what was asked for counts as delivered", receipts.delivered_by_fetch),
        ("mark as read", receipts.read),
        ("the sender sees delivered", receipts.delivered_state),
        ("the sender sees read", receipts.read_state),
    )),
    ("Taking back", (
        ("recall", taking_back.recall),
        ("what a recalled message leaves", taking_back.remains),
        ("a recall is heard live", taking_back.recall_live),
        ("delete for oneself", taking_back.hide),
    )),
    ("Groups", (
        ("create", groups.make_group),
        ("join an open group", groups.join),
        ("join a group by invitation only", groups.join_closed),
        ("leave", groups.quit_group),
        ("add a member", groups.add_member),
        ("mute a member", groups.mute),
    )),
    ("The operator's messages", (
        ("a notice to one user", operator.notice),
        ("an announcement to all", operator.announcement),
        ("a user answers", operator.write_to_operator),
    )),
    ("Shown to the reader", (
        ("mentions", shown.mention),
        ("the message replied to", shown.reply_to),
        ("the client's id", shown.client_id),
        ("the client's reference", shown.reference),
        ("the client's time", shown.client_time),
    )),
)
