//! The table: every code of the official document "Error Codes" of USDⓈ-M futures (2026-05-28), and
//! −4531 of its change log. Where the document has no name of the kind that it uses elsewhere
//! (−1008, −4183, −4531, −5026, −5043), the name here is ours.

use crate::binance::error_code::{Class, table};

table! {
    /// An unknown error while processing.
    Unknown = -1000 "UNKNOWN" Unknown,
    /// An internal error; the request could not be processed.
    Disconnected = -1001 "DISCONNECTED" Unknown,
    /// Not authorised for this request.
    Unauthorized = -1002 "UNAUTHORIZED" KeyProblem,
    /// Too much weight, or a ban.
    TooManyRequests = -1003 "TOO_MANY_REQUESTS" RateLimited,
    /// The address is on the list already.
    DuplicateIp = -1004 "DUPLICATE_IP" BadRequest,
    /// The address is not on the list.
    NoSuchIp = -1005 "NO_SUCH_IP" BadRequest,
    /// An unexpected answer inside the venue; execution status unknown.
    UnexpectedResp = -1006 "UNEXPECTED_RESP" Unknown,
    /// A timeout inside the venue; execution status unknown.
    Timeout = -1007 "TIMEOUT" Unknown,
    /// Overloaded: not done. What only shrinks a position is exempt.
    RequestThrottled = -1008 "REQUEST_THROTTLED" Rejected,
    /// Refused by the matching engine; the message says why.
    ErrorMsgReceived = -1010 "ERROR_MSG_RECEIVED" Rejected,
    /// This address may not ask for that.
    NonWhiteList = -1011 "NON_WHITE_LIST" KeyProblem,
    /// Refused before the matching engine.
    InvalidMessage = -1013 "INVALID_MESSAGE" Rejected,
    /// Unsupported combination.
    UnknownOrderComposition = -1014 "UNKNOWN_ORDER_COMPOSITION" BadRequest,
    /// Too many new orders.
    TooManyOrders = -1015 "TOO_MANY_ORDERS" RateLimited,
    /// The service is going away; it does not say what became of the request.
    ServiceShuttingDown = -1016 "SERVICE_SHUTTING_DOWN" Unknown,
    /// Not supported.
    UnsupportedOperation = -1020 "UNSUPPORTED_OPERATION" BadRequest,
    /// Outside `recvWindow`, or more than a second ahead.
    InvalidTimestamp = -1021 "INVALID_TIMESTAMP" ClockSkew,
    /// The signature is wrong.
    InvalidSignature = -1022 "INVALID_SIGNATURE" KeyProblem,
    /// It ends before it begins.
    StartTimeGreaterThanEndTime = -1023 "START_TIME_GREATER_THAN_END_TIME" BadRequest,
    /// Not found, or not authorised.
    NotFound = -1099 "NOT_FOUND" KeyProblem,
    /// Illegal characters in a parameter.
    IllegalChars = -1100 "ILLEGAL_CHARS" BadRequest,
    /// Too many parameters, or one twice.
    TooManyParameters = -1101 "TOO_MANY_PARAMETERS" BadRequest,
    /// A parameter is missing or malformed.
    MandatoryParamEmptyOrMalformed = -1102 "MANDATORY_PARAM_EMPTY_OR_MALFORMED" BadRequest,
    /// An unknown parameter.
    UnknownParam = -1103 "UNKNOWN_PARAM" BadRequest,
    /// Parameters that were not read.
    UnreadParameters = -1104 "UNREAD_PARAMETERS" BadRequest,
    /// An empty parameter.
    ParamEmpty = -1105 "PARAM_EMPTY" BadRequest,
    /// A parameter that does not belong there.
    ParamNotRequired = -1106 "PARAM_NOT_REQUIRED" BadRequest,
    /// Invalid asset.
    BadAsset = -1108 "BAD_ASSET" BadRequest,
    /// Invalid account.
    BadAccount = -1109 "BAD_ACCOUNT" KeyProblem,
    /// Invalid type of symbol.
    BadInstrumentType = -1110 "BAD_INSTRUMENT_TYPE" BadRequest,
    /// Too many digits.
    BadPrecision = -1111 "BAD_PRECISION" BadRequest,
    /// No orders on the book.
    NoDepth = -1112 "NO_DEPTH" Rejected,
    /// A withdrawal must be negative.
    WithdrawNotNegative = -1113 "WITHDRAW_NOT_NEGATIVE" BadRequest,
    /// `timeInForce` does not belong there.
    TifNotRequired = -1114 "TIF_NOT_REQUIRED" BadRequest,
    /// Invalid `timeInForce`.
    InvalidTif = -1115 "INVALID_TIF" BadRequest,
    /// Invalid type.
    InvalidOrderType = -1116 "INVALID_ORDER_TYPE" BadRequest,
    /// Invalid side.
    InvalidSide = -1117 "INVALID_SIDE" BadRequest,
    /// The new client order id is empty.
    EmptyNewClOrdId = -1118 "EMPTY_NEW_CL_ORD_ID" BadRequest,
    /// The original client order id is empty.
    EmptyOrgClOrdId = -1119 "EMPTY_ORG_CL_ORD_ID" BadRequest,
    /// Invalid interval.
    BadInterval = -1120 "BAD_INTERVAL" BadRequest,
    /// Invalid symbol.
    BadSymbol = -1121 "BAD_SYMBOL" BadRequest,
    /// Invalid status of a symbol.
    InvalidSymbolStatus = -1122 "INVALID_SYMBOL_STATUS" BadRequest,
    /// The listen key does not exist.
    InvalidListenKey = -1125 "INVALID_LISTEN_KEY" Session,
    /// The asset is not supported.
    AssetNotSupported = -1126 "ASSET_NOT_SUPPORTED" BadRequest,
    /// The interval asked for is too long.
    MoreThanXxHours = -1127 "MORE_THAN_XX_HOURS" BadRequest,
    /// These parameters do not go together.
    OptionalParamsBadCombo = -1128 "OPTIONAL_PARAMS_BAD_COMBO" BadRequest,
    /// Invalid data in a parameter.
    InvalidParameter = -1130 "INVALID_PARAMETER" BadRequest,
    /// Invalid `newOrderRespType`.
    InvalidNewOrderRespType = -1136 "INVALID_NEW_ORDER_RESP_TYPE" BadRequest,
    /// A new order was refused; the message says why.
    NewOrderRejected = -2010 "NEW_ORDER_REJECTED" Rejected,
    /// There is no such open order to cancel.
    CancelRejected = -2011 "CANCEL_REJECTED" NotFound,
    /// Canceling many failed; which of them, it does not say.
    CancelAllFail = -2012 "CANCEL_ALL_FAIL" Unknown,
    /// There is no such order.
    NoSuchOrder = -2013 "NO_SUCH_ORDER" NotFound,
    /// This is no key.
    BadApiKeyFmt = -2014 "BAD_API_KEY_FMT" KeyProblem,
    /// Wrong key, address or permission.
    RejectedMbxKey = -2015 "REJECTED_MBX_KEY" KeyProblem,
    /// No trading window for the symbol.
    NoTradingWindow = -2016 "NO_TRADING_WINDOW" Rejected,
    /// Keys are locked on this account.
    ApiKeysLocked = -2017 "API_KEYS_LOCKED" KeyProblem,
    /// Too little balance.
    BalanceNotSufficient = -2018 "BALANCE_NOT_SUFFICIENT" Rejected,
    /// Too little margin. The venue's own spelling.
    MarginNotSufficien = -2019 "MARGIN_NOT_SUFFICIEN" Rejected,
    /// It cannot be filled.
    UnableToFill = -2020 "UNABLE_TO_FILL" Rejected,
    /// The trigger is reached already.
    OrderWouldImmediatelyTrigger = -2021 "ORDER_WOULD_IMMEDIATELY_TRIGGER" Rejected,
    /// A reduce-only order has nothing to shrink, or others are in its way.
    ReduceOnlyReject = -2022 "REDUCE_ONLY_REJECT" Rejected,
    /// The account is being liquidated.
    UserInLiquidation = -2023 "USER_IN_LIQUIDATION" Rejected,
    /// The position is too small.
    PositionNotSufficient = -2024 "POSITION_NOT_SUFFICIENT" Rejected,
    /// Too many open orders.
    MaxOpenOrderExceeded = -2025 "MAX_OPEN_ORDER_EXCEEDED" Rejected,
    /// This type cannot be reduce-only.
    ReduceOnlyOrderTypeNotSupported = -2026 "REDUCE_ONLY_ORDER_TYPE_NOT_SUPPORTED" BadRequest,
    /// The position would be too large for its leverage.
    MaxLeverageRatio = -2027 "MAX_LEVERAGE_RATIO" Rejected,
    /// The leverage is too small for the margin.
    MinLeverageRatio = -2028 "MIN_LEVERAGE_RATIO" Rejected,
    /// Invalid status of an order.
    InvalidOrderStatus = -4000 "INVALID_ORDER_STATUS" BadRequest,
    /// A price below zero.
    PriceLessThanZero = -4001 "PRICE_LESS_THAN_ZERO" BadRequest,
    /// A price above the largest.
    PriceGreaterThanMaxPrice = -4002 "PRICE_GREATER_THAN_MAX_PRICE" Rejected,
    /// A quantity below zero.
    QtyLessThanZero = -4003 "QTY_LESS_THAN_ZERO" BadRequest,
    /// A quantity below the least.
    QtyLessThanMinQty = -4004 "QTY_LESS_THAN_MIN_QTY" Rejected,
    /// A quantity above the largest.
    QtyGreaterThanMaxQty = -4005 "QTY_GREATER_THAN_MAX_QTY" Rejected,
    /// A trigger below zero.
    StopPriceLessThanZero = -4006 "STOP_PRICE_LESS_THAN_ZERO" BadRequest,
    /// A trigger above the largest price.
    StopPriceGreaterThanMaxPrice = -4007 "STOP_PRICE_GREATER_THAN_MAX_PRICE" Rejected,
    /// A tick below zero.
    TickSizeLessThanZero = -4008 "TICK_SIZE_LESS_THAN_ZERO" BadRequest,
    /// The largest price is below the least.
    MaxPriceLessThanMinPrice = -4009 "MAX_PRICE_LESS_THAN_MIN_PRICE" BadRequest,
    /// The largest quantity is below the least.
    MaxQtyLessThanMinQty = -4010 "MAX_QTY_LESS_THAN_MIN_QTY" BadRequest,
    /// A step below zero.
    StepSizeLessThanZero = -4011 "STEP_SIZE_LESS_THAN_ZERO" BadRequest,
    /// A count of orders below zero.
    MaxNumOrdersLessThanZero = -4012 "MAX_NUM_ORDERS_LESS_THAN_ZERO" BadRequest,
    /// A price below the least.
    PriceLessThanMinPrice = -4013 "PRICE_LESS_THAN_MIN_PRICE" Rejected,
    /// A price off the tick.
    PriceNotIncreasedByTickSize = -4014 "PRICE_NOT_INCREASED_BY_TICK_SIZE" BadRequest,
    /// The client order id is not valid.
    InvalidClOrdIdLen = -4015 "INVALID_CL_ORD_ID_LEN" BadRequest,
    /// A price too far above the mark price. The venue's own spelling.
    PriceHighterThanMultiplierUp = -4016 "PRICE_HIGHTER_THAN_MULTIPLIER_UP" Rejected,
    /// A multiplier below zero.
    MultiplierUpLessThanZero = -4017 "MULTIPLIER_UP_LESS_THAN_ZERO" BadRequest,
    /// A multiplier below zero.
    MultiplierDownLessThanZero = -4018 "MULTIPLIER_DOWN_LESS_THAN_ZERO" BadRequest,
    /// A scale is too large.
    CompositeScaleOverflow = -4019 "COMPOSITE_SCALE_OVERFLOW" BadRequest,
    /// Type and `reduceOnly` do not go together.
    TargetStrategyInvalid = -4020 "TARGET_STRATEGY_INVALID" BadRequest,
    /// No such depth of the book.
    InvalidDepthLimit = -4021 "INVALID_DEPTH_LIMIT" BadRequest,
    /// No such status of a market.
    WrongMarketStatus = -4022 "WRONG_MARKET_STATUS" BadRequest,
    /// A quantity off the step.
    QtyNotIncreasedByStepSize = -4023 "QTY_NOT_INCREASED_BY_STEP_SIZE" BadRequest,
    /// A price too far below the mark price.
    PriceLowerThanMultiplierDown = -4024 "PRICE_LOWER_THAN_MULTIPLIER_DOWN" Rejected,
    /// A multiplier's digits are below zero.
    MultiplierDecimalLessThanZero = -4025 "MULTIPLIER_DECIMAL_LESS_THAN_ZERO" BadRequest,
    /// An invalid fee.
    CommissionInvalid = -4026 "COMMISSION_INVALID" BadRequest,
    /// An invalid type of account.
    InvalidAccountType = -4027 "INVALID_ACCOUNT_TYPE" KeyProblem,
    /// An invalid leverage.
    InvalidLeverage = -4028 "INVALID_LEVERAGE" BadRequest,
    /// An invalid precision of a tick.
    InvalidTickSizePrecision = -4029 "INVALID_TICK_SIZE_PRECISION" BadRequest,
    /// An invalid precision of a step.
    InvalidStepSizePrecision = -4030 "INVALID_STEP_SIZE_PRECISION" BadRequest,
    /// An invalid `workingType`.
    InvalidWorkingType = -4031 "INVALID_WORKING_TYPE" BadRequest,
    /// Too many orders to cancel at once.
    ExceedMaxCancelOrderSize = -4032 "EXCEED_MAX_CANCEL_ORDER_SIZE" BadRequest,
    /// No account of the insurance fund.
    InsuranceAccountNotFound = -4033 "INSURANCE_ACCOUNT_NOT_FOUND" BadRequest,
    /// An invalid type of balance.
    InvalidBalanceType = -4044 "INVALID_BALANCE_TYPE" BadRequest,
    /// Too many conditional orders.
    MaxStopOrderExceeded = -4045 "MAX_STOP_ORDER_EXCEEDED" Rejected,
    /// The margin mode is so already.
    NoNeedToChangeMarginType = -4046 "NO_NEED_TO_CHANGE_MARGIN_TYPE" Rejected,
    /// The margin mode cannot change while there are orders.
    ThereExistsOpenOrders = -4047 "THERE_EXISTS_OPEN_ORDERS" Rejected,
    /// The margin mode cannot change while there is a position.
    ThereExistsQuantity = -4048 "THERE_EXISTS_QUANTITY" Rejected,
    /// Margin can be added to isolated positions only.
    AddIsolatedMarginReject = -4049 "ADD_ISOLATED_MARGIN_REJECT" Rejected,
    /// Too little balance for cross margin.
    CrossBalanceInsufficient = -4050 "CROSS_BALANCE_INSUFFICIENT" Rejected,
    /// Too little balance for isolated margin.
    IsolatedBalanceInsufficient = -4051 "ISOLATED_BALANCE_INSUFFICIENT" Rejected,
    /// Nothing to change.
    NoNeedToChangeAutoAddMargin = -4052 "NO_NEED_TO_CHANGE_AUTO_ADD_MARGIN" Rejected,
    /// Margin is added by itself to isolated positions only.
    AutoAddCrossedMarginReject = -4053 "AUTO_ADD_CROSSED_MARGIN_REJECT" Rejected,
    /// There is no position to add margin to.
    AddIsolatedMarginNoPositionReject = -4054 "ADD_ISOLATED_MARGIN_NO_POSITION_REJECT" Rejected,
    /// An amount must be positive.
    AmountMustBePositive = -4055 "AMOUNT_MUST_BE_POSITIVE" BadRequest,
    /// An invalid type of key.
    InvalidApiKeyType = -4056 "INVALID_API_KEY_TYPE" KeyProblem,
    /// An invalid public key.
    InvalidRsaPublicKey = -4057 "INVALID_RSA_PUBLIC_KEY" KeyProblem,
    /// A price with too many digits.
    MaxPriceTooLarge = -4058 "MAX_PRICE_TOO_LARGE" BadRequest,
    /// The position mode is so already.
    NoNeedToChangePositionSide = -4059 "NO_NEED_TO_CHANGE_POSITION_SIDE" Rejected,
    /// An invalid `positionSide`.
    InvalidPositionSide = -4060 "INVALID_POSITION_SIDE" BadRequest,
    /// The account is in the other position mode.
    PositionSideNotMatch = -4061 "POSITION_SIDE_NOT_MATCH" Rejected,
    /// An improper `reduceOnly`.
    ReduceOnlyConflict = -4062 "REDUCE_ONLY_CONFLICT" BadRequest,
    /// About options.
    InvalidOptionsRequestType = -4063 "INVALID_OPTIONS_REQUEST_TYPE" BadRequest,
    /// About options.
    InvalidOptionsTimeFrame = -4064 "INVALID_OPTIONS_TIME_FRAME" BadRequest,
    /// About options.
    InvalidOptionsAmount = -4065 "INVALID_OPTIONS_AMOUNT" BadRequest,
    /// About options.
    InvalidOptionsEventType = -4066 "INVALID_OPTIONS_EVENT_TYPE" BadRequest,
    /// The position mode cannot change while there are orders.
    PositionSideChangeExistsOpenOrders = -4067 "POSITION_SIDE_CHANGE_EXISTS_OPEN_ORDERS" Rejected,
    /// The position mode cannot change while there is a position.
    PositionSideChangeExistsQuantity = -4068 "POSITION_SIDE_CHANGE_EXISTS_QUANTITY" Rejected,
    /// About options.
    InvalidOptionsPremiumFee = -4069 "INVALID_OPTIONS_PREMIUM_FEE" BadRequest,
    /// About options.
    InvalidClOptionsIdLen = -4070 "INVALID_CL_OPTIONS_ID_LEN" BadRequest,
    /// About options.
    InvalidOptionsDirection = -4071 "INVALID_OPTIONS_DIRECTION" BadRequest,
    /// About options.
    OptionsPremiumNotUpdate = -4072 "OPTIONS_PREMIUM_NOT_UPDATE" Rejected,
    /// About options.
    OptionsPremiumInputLessThanZero = -4073 "OPTIONS_PREMIUM_INPUT_LESS_THAN_ZERO" Rejected,
    /// About options.
    OptionsAmountBiggerThanUpper = -4074 "OPTIONS_AMOUNT_BIGGER_THAN_UPPER" Rejected,
    /// About options.
    OptionsPremiumOutputZero = -4075 "OPTIONS_PREMIUM_OUTPUT_ZERO" Rejected,
    /// About options.
    OptionsPremiumTooDiff = -4076 "OPTIONS_PREMIUM_TOO_DIFF" Rejected,
    /// About options.
    OptionsPremiumReachLimit = -4077 "OPTIONS_PREMIUM_REACH_LIMIT" Rejected,
    /// About options; it does not say what happened.
    OptionsCommonError = -4078 "OPTIONS_COMMON_ERROR" Unknown,
    /// About options.
    InvalidOptionsId = -4079 "INVALID_OPTIONS_ID" BadRequest,
    /// About options.
    OptionsUserNotFound = -4080 "OPTIONS_USER_NOT_FOUND" BadRequest,
    /// About options.
    OptionsNotFound = -4081 "OPTIONS_NOT_FOUND" BadRequest,
    /// Too many orders at once.
    InvalidBatchPlaceOrderSize = -4082 "INVALID_BATCH_PLACE_ORDER_SIZE" BadRequest,
    /// Placing many failed; which of them, it does not say.
    PlaceBatchOrdersFail = -4083 "PLACE_BATCH_ORDERS_FAIL" Unknown,
    /// Not available yet.
    UpcomingMethod = -4084 "UPCOMING_METHOD" BadRequest,
    /// An invalid coefficient.
    InvalidNotionalLimitCoef = -4085 "INVALID_NOTIONAL_LIMIT_COEF" BadRequest,
    /// An invalid threshold.
    InvalidPriceSpreadThreshold = -4086 "INVALID_PRICE_SPREAD_THRESHOLD" BadRequest,
    /// The account may place reduce-only orders only.
    ReduceOnlyOrderPermission = -4087 "REDUCE_ONLY_ORDER_PERMISSION" Rejected,
    /// The account may not place orders now.
    NoPlaceOrderPermission = -4088 "NO_PLACE_ORDER_PERMISSION" KeyProblem,
    /// An invalid type of contract.
    InvalidContractType = -4104 "INVALID_CONTRACT_TYPE" BadRequest,
    /// The symbol takes reduce-only orders only.
    SymbolReduceOnly = -4105 "SYMBOL_REDUCE_ONLY" Rejected,
    /// The symbol takes buys as reduce-only only.
    SymbolReduceOnlyBuy = -4106 "SYMBOL_REDUCE_ONLY_BUY" Rejected,
    /// The symbol takes sells as reduce-only only.
    SymbolReduceOnlySell = -4107 "SYMBOL_REDUCE_ONLY_SELL" Rejected,
    /// The account is put away; a transfer wakes it.
    InactiveAccount = -4109 "INACTIVE_ACCOUNT" KeyProblem,
    /// A transfer's id is not valid.
    InvalidClientTranIdLen = -4114 "INVALID_CLIENT_TRAN_ID_LEN" BadRequest,
    /// A transfer's id was used before.
    DuplicatedClientTranId = -4115 "DUPLICATED_CLIENT_TRAN_ID" Rejected,
    /// An open order has this name: an earlier request with it has arrived.
    DuplicatedClientOrderId = -4116 "DUPLICATED_CLIENT_ORDER_ID" Unknown,
    /// The conditional order is being triggered.
    StopOrderTriggering = -4117 "STOP_ORDER_TRIGGERING" Rejected,
    /// With others open, a reduce-only order would turn the position.
    ReduceOnlyMarginCheckFailed = -4118 "REDUCE_ONLY_MARGIN_CHECK_FAILED" Rejected,
    /// Conditional orders go to the algo service.
    StopOrderSwitchAlgo = -4120 "STOP_ORDER_SWITCH_ALGO" BadRequest,
    /// The best price is outside the price filter.
    MarketOrderReject = -4131 "MARKET_ORDER_REJECT" Rejected,
    /// An invalid activation price.
    InvalidActivationPrice = -4135 "INVALID_ACTIVATION_PRICE" Rejected,
    /// Closing all has no quantity.
    QuantityExistsWithClosePosition = -4137 "QUANTITY_EXISTS_WITH_CLOSE_POSITION" BadRequest,
    /// Closing all is reduce-only.
    ReduceOnlyMustBeTrue = -4138 "REDUCE_ONLY_MUST_BE_TRUE" BadRequest,
    /// It cannot be a market order.
    OrderTypeCannotBeMkt = -4139 "ORDER_TYPE_CANNOT_BE_MKT" BadRequest,
    /// The symbol takes no new positions now.
    InvalidOpeningPositionStatus = -4140 "INVALID_OPENING_POSITION_STATUS" Rejected,
    /// The symbol is closed.
    SymbolAlreadyClosed = -4141 "SYMBOL_ALREADY_CLOSED" Rejected,
    /// The trigger is reached already.
    StrategyInvalidTriggerPrice = -4142 "STRATEGY_INVALID_TRIGGER_PRICE" Rejected,
    /// An invalid pair.
    InvalidPair = -4144 "INVALID_PAIR" BadRequest,
    /// Less leverage is not possible with an isolated position.
    IsolatedLeverageRejectWithPosition = -4161 "ISOLATED_LEVERAGE_REJECT_WITH_POSITION" Rejected,
    /// Worth too little.
    MinNotional = -4164 "MIN_NOTIONAL" Rejected,
    /// The interval is too long.
    InvalidTimeInterval = -4165 "INVALID_TIME_INTERVAL" BadRequest,
    /// Isolated margin and multi-assets mode exclude each other.
    IsolatedRejectWithJointMargin = -4167 "ISOLATED_REJECT_WITH_JOINT_MARGIN" Rejected,
    /// Isolated margin and multi-assets mode exclude each other.
    JointMarginRejectWithIsolated = -4168 "JOINT_MARGIN_REJECT_WITH_ISOLATED" Rejected,
    /// Too little margin to change the assets mode.
    JointMarginRejectWithMb = -4169 "JOINT_MARGIN_REJECT_WITH_MB" Rejected,
    /// The assets mode cannot change while there are orders.
    JointMarginRejectWithOpenOrder = -4170 "JOINT_MARGIN_REJECT_WITH_OPEN_ORDER" Rejected,
    /// The assets mode is so already.
    NoNeedToChangeJointMargin = -4171 "NO_NEED_TO_CHANGE_JOINT_MARGIN" Rejected,
    /// The assets mode cannot change with a debt.
    JointMarginRejectWithNegativeBalance = -4172 "JOINT_MARGIN_REJECT_WITH_NEGATIVE_BALANCE" Rejected,
    /// A limit too far above its trigger.
    PriceHigherThanStopMultiplierUp = -4183 "PRICE_HIGHER_THAN_STOP_MULTIPLIER_UP" Rejected,
    /// A limit too far below its trigger.
    PriceLowerThanStopMultiplierDown = -4184 "PRICE_LOWER_THAN_STOP_MULTIPLIER_DOWN" Rejected,
    /// The account may only reduce on this symbol.
    AccountReduceOnly = -4189 "ACCOUNT_REDUCE_ONLY" Rejected,
    /// The account is in a cooling-off period.
    CoolingOffPeriod = -4192 "COOLING_OFF_PERIOD" Rejected,
    /// More leverage needs a verified person.
    AdjustLeverageKycFailed = -4202 "ADJUST_LEVERAGE_KYC_FAILED" Rejected,
    /// The account is too young for this leverage.
    AdjustLeverageOneMonthFailed = -4203 "ADJUST_LEVERAGE_ONE_MONTH_FAILED" Rejected,
    /// The account is too young for this leverage.
    AdjustLeverageXDaysFailed = -4205 "ADJUST_LEVERAGE_X_DAYS_FAILED" Rejected,
    /// The country has less leverage.
    AdjustLeverageKycLimit = -4206 "ADJUST_LEVERAGE_KYC_LIMIT" Rejected,
    /// The account has less leverage on this symbol.
    AdjustLeverageAccountSymbolFailed = -4208 "ADJUST_LEVERAGE_ACCOUNT_SYMBOL_FAILED" Rejected,
    /// The symbol has less leverage.
    AdjustLeverageSymbolFailed = -4209 "ADJUST_LEVERAGE_SYMBOL_FAILED" Rejected,
    /// A trigger too far above the price.
    StopPriceHigherThanPriceMultiplierLimit = -4210 "STOP_PRICE_HIGHER_THAN_PRICE_MULTIPLIER_LIMIT" Rejected,
    /// A trigger too far below the price.
    StopPriceLowerThanPriceMultiplierLimit = -4211 "STOP_PRICE_LOWER_THAN_PRICE_MULTIPLIER_LIMIT" Rejected,
    /// The venue's trading rules were broken: reduce-only for a while.
    TradingQuantitativeRule = -4400 "TRADING_QUANTITATIVE_RULE" Rejected,
    /// The position is large: reduce-only.
    LargePositionSymRule = -4401 "LARGE_POSITION_SYM_RULE" Rejected,
    /// Not available in this region.
    ComplianceBlackSymbolRestriction = -4402 "COMPLIANCE_BLACK_SYMBOL_RESTRICTION" Rejected,
    /// The region has less leverage.
    AdjustLeverageComplianceFailed = -4403 "ADJUST_LEVERAGE_COMPLIANCE_FAILED" Rejected,
    /// The position mode cannot change while coin-margined futures are in use.
    PositionModeSyncReject = -4531 "POSITION_MODE_SYNC_REJECT" Rejected,
    /// It could not be filled whole at once.
    FokOrderReject = -5021 "FOK_ORDER_REJECT" Rejected,
    /// A maker-only order would take.
    GtxOrderReject = -5022 "GTX_ORDER_REJECT" Rejected,
    /// The symbol is not trading: no changes.
    MoveOrderNotAllowedSymbolReason = -5024 "MOVE_ORDER_NOT_ALLOWED_SYMBOL_REASON" Rejected,
    /// Only limit orders can be changed.
    LimitOrderOnly = -5025 "LIMIT_ORDER_ONLY" BadRequest,
    /// The order was changed too often.
    ExceedMaximumModifyOrderLimit = -5026 "EXCEED_MAXIMUM_MODIFY_ORDER_LIMIT" Rejected,
    /// Nothing would change.
    SameOrder = -5027 "SAME_ORDER" Rejected,
    /// It came to the matching engine outside `recvWindow`.
    MeRecvwindowReject = -5028 "ME_RECVWINDOW_REJECT" ClockSkew,
    /// Worth too little after the change.
    ModificationMinNotional = -5029 "MODIFICATION_MIN_NOTIONAL" Rejected,
    /// An invalid `priceMatch`.
    InvalidPriceMatch = -5037 "INVALID_PRICE_MATCH" BadRequest,
    /// This type has no `priceMatch`.
    UnsupportedOrderTypePriceMatch = -5038 "UNSUPPORTED_ORDER_TYPE_PRICE_MATCH" BadRequest,
    /// An invalid self-trade prevention.
    InvalidSelfTradePreventionMode = -5039 "INVALID_SELF_TRADE_PREVENTION_MODE" BadRequest,
    /// `goodTillDate` is less than 600 s ahead.
    FutureGoodTillDate = -5040 "FUTURE_GOOD_TILL_DATE" Rejected,
    /// The book is too thin for `priceMatch`.
    BboOrderReject = -5041 "BBO_ORDER_REJECT" Rejected,
    /// A change of it is under way already.
    ExistingPendingModification = -5043 "EXISTING_PENDING_MODIFICATION" Rejected,
}
